import { getSystemErrorMessage } from 'node:util'
import { BoltError } from '@kpipe/bolt'
import { KpipeError } from '@kpipe/engine/contracts'
import type { KpipeErrorCode } from '@kpipe/engine/contracts'

/**
 * Runs `work`, which reads `path`; what the system refuses becomes one sentence.
 * @throws KpipeError KPIPE_SOURCE_UNREACHABLE or `code`; KPIPE_BOLT_INVALID
 */
export async function reading<Result>(
  path: string,
  work: () => Promise<Result>,
  code: KpipeErrorCode = 'KPIPE_SOURCE_UNREACHABLE',
): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof BoltError) {
      const { code: fault, page, message } = cause
      throw new KpipeError('KPIPE_BOLT_INVALID', `${path} is no sound database of etcd: ${message}`, { path, fault, page }, { cause })
    }
    const { errno, code: name } = cause as NodeJS.ErrnoException
    if (typeof errno !== 'number' || name === undefined) throw cause
    throw new KpipeError(code, `${path} cannot be read: ${getSystemErrorMessage(errno)} (${name})`, { path }, { cause })
  }
}

/** Whether the system says that there is no such file. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
