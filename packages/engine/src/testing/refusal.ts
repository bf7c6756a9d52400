import { exitCodes, type KpipeErrorCode } from '../contracts/index.ts'
import { demand } from './conformance-case.ts'

/** Demands that `work` fails with a code of kpipe's, one of `codes` if any are named. The code is what counts, not the class. */
export async function demandRefused(work: () => unknown, what: string, ...codes: readonly KpipeErrorCode[]): Promise<void> {
  let code: string
  try {
    await work()
  } catch (error) {
    code = String((error as { readonly code?: unknown } | null)?.code)
    demand(Object.hasOwn(exitCodes, code), `${what} fails with ${String(error)}, which has no code of kpipe’s`)
    demand(codes.length === 0 || codes.some((fit) => fit === code), `${what} fails with ${code} instead of ${codes.join(' or ')}`)
    return
  }
  throw new Error(`${what} is not refused`)
}
