import { getSystemErrorMessage } from 'node:util'

/** What the operating system says, without the call and the path: `no such file or directory (ENOENT)`. */
export function reasonOf(error: unknown): string {
  const { errno, code, message } = error as NodeJS.ErrnoException
  return typeof errno === 'number' && code !== undefined ? `${getSystemErrorMessage(errno)} (${code})` : message
}
