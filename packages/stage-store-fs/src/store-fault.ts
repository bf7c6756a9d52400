import { KpipeError } from '@kpipe/engine/contracts'
import type { KpipeErrorCode } from '@kpipe/engine/contracts'

const codes: Readonly<Record<string, KpipeErrorCode>> = {
  ENOSPC: 'KPIPE_STORE_FULL',
  EDQUOT: 'KPIPE_STORE_FULL',
  EACCES: 'KPIPE_STORE_FORBIDDEN',
  EPERM: 'KPIPE_STORE_FORBIDDEN',
  EROFS: 'KPIPE_STORE_FORBIDDEN',
}

/** What the system said, with operation, object and path. */
export function storeFault(operation: string, object: string, path: string, cause: unknown): KpipeError {
  if (cause instanceof KpipeError) return cause
  const error = cause as NodeJS.ErrnoException
  const seen = error.code ?? error.message
  return new KpipeError(
    codes[seen] ?? 'KPIPE_STORE_FAILED',
    `${operation} ${object} at ${path}: ${seen}`,
    { operation, object, path, errno: seen },
    { cause },
  )
}

export function hasCode(error: unknown, ...expected: readonly string[]): boolean {
  return expected.includes((error as NodeJS.ErrnoException)?.code ?? '')
}
