import { exitCodes, KpipeError } from '@kpipe/engine/contracts'
import type { KpipeErrorCode } from '@kpipe/engine/contracts'
import { hintFor } from './hints.ts'

/** A failure as the user sees it. */
export interface Failure {
  readonly code: KpipeErrorCode
  readonly exitCode: number
  readonly message: string
  readonly hint: string
  /** For -vv only. */
  readonly stack: string | undefined
}

/** Whatever was thrown, told in one way. What is not a KpipeError is a fault of ours. */
export function describeFailure(thrown: unknown): Failure {
  const code = codeOf(thrown) ?? 'KPIPE_INTERNAL'
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return {
    code,
    exitCode: exitCodes[code],
    message: code === 'KPIPE_INTERNAL' ? `internal fault: ${firstLine(message)}` : message,
    hint: hintIn(thrown) ?? hintFor(code, thrown instanceof KpipeError ? thrown.details : {}),
    stack: thrown instanceof Error ? stackWithCauses(thrown) : undefined,
  }
}

/** An error with a better next step than its code alone gives. */
export function withHint(error: KpipeError, hint: string): KpipeError {
  return Object.assign(error, { hint })
}

function hintIn(thrown: unknown): string | undefined {
  return thrown instanceof KpipeError && 'hint' in thrown && typeof thrown.hint === 'string' ? thrown.hint : undefined
}

function codeOf(thrown: unknown): KpipeErrorCode | undefined {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  return typeof code === 'string' && Object.hasOwn(exitCodes, code) ? (code as KpipeErrorCode) : undefined
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

function stackWithCauses(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackWithCauses(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}
