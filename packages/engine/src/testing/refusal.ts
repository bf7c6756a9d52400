import { KpipeError, type KpipeErrorCode } from '../contracts/index.ts'
import { demand } from './conformance-case.ts'

/** Demands that `work` fails with a KpipeError, of one of `codes` if any are named. */
export async function demandRefused(work: () => unknown, what: string, ...codes: readonly KpipeErrorCode[]): Promise<KpipeError> {
  try {
    await work()
  } catch (error) {
    demand(error instanceof KpipeError, `${what} fails with ${String(error)}, which is no KpipeError`)
    const fits = codes.length === 0 || codes.includes(error.code)
    demand(fits, `${what} fails with ${error.code} instead of ${codes.join(' or ')}`)
    return error
  }
  throw new Error(`${what} is not refused`)
}
