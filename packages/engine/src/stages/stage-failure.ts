import { type ErrorDetails, exitCodes, KpipeError, type KpipeErrorCode } from '../contracts/index.ts'

/**
 * What a stage threw, as an error that names it. An error with a code of ours passes as it is, also when it was made
 * by another copy of this package, or by a stage that imports none.
 */
export function stageFailure(stage: string, thrown: unknown): KpipeError {
  if (thrown instanceof KpipeError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const code = ownCode(thrown)
  if (code !== undefined)
    return new KpipeError(code, message, { stage, ...(thrown as { details?: ErrorDetails }).details }, { cause: thrown })
  return new KpipeError('KPIPE_STAGE_FAILED', `stage ${stage} failed: ${message}`, { stage }, { cause: thrown })
}

function ownCode(thrown: unknown): KpipeErrorCode | undefined {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return typeof code === 'string' && Object.hasOwn(exitCodes, code) ? (code as KpipeErrorCode) : undefined
}
