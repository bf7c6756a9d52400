import { KpipeError } from '../contracts/index.ts'
import type { ErrorDetails, KpipeErrorCode } from '../contracts/index.ts'

/** An error that the operating system had on a thread, as it crosses to the main thread: for a stage there to say what it means. */
export function sentSystemError(code: KpipeErrorCode, error: unknown, details: ErrorDetails = {}): KpipeError {
  const { message, code: name, errno } = error as NodeJS.ErrnoException
  return new KpipeError(code, message, { ...details, name, errno }, { cause: error })
}

/** As the thread had it. */
export function receivedSystemError({ message, details }: KpipeError): Error {
  return Object.assign(new Error(message), { code: details['name'], errno: details['errno'] })
}
