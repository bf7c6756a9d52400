import { getSystemErrorMessage } from 'node:util'
import { BoltError } from '@kpipe/bolt'
import { KpipeError } from '@kpipe/engine/contracts'

/** Runs `work` on `path`; what the system or the database refuses becomes a KpipeError that names it. */
export async function failing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof KpipeError) throw error
    if (error instanceof BoltError) {
      const { code, page, message } = error
      throw new KpipeError(
        'KPIPE_BOLT_INVALID',
        `the snapshot is no sound database of etcd: ${message}`,
        { fault: code, page },
        { cause: error },
      )
    }
    throw new KpipeError('KPIPE_TARGET_FAILED', `${path} cannot be written: ${reasonOf(error)}`, { path }, { cause: error })
  }
}

export function exists(path: string, seen: string): KpipeError {
  return new KpipeError('KPIPE_TARGET_EXISTS', `${path} ${seen}`, { path })
}

function reasonOf(error: unknown): string {
  const { errno, code, message } = error as NodeJS.ErrnoException
  return typeof errno === 'number' && code !== undefined ? `${getSystemErrorMessage(errno)} (${code})` : message
}
