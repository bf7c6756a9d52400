/** Exit code of each error code; the codes are stable and documented in the README of the command line. */
export const exitCodes = {
  KPIPE_INTERNAL: 1,
  KPIPE_ATTENTION: 3,
  KPIPE_NO_REPOSITORY: 10,
  KPIPE_APPEND_LOST: 11,
  KPIPE_KEY_MISSING: 12,
  KPIPE_KEY_UNREADABLE: 12,
  KPIPE_KEY_MALFORMED: 12,
  KPIPE_KEY_WRONG: 12,
  KPIPE_USAGE: 64,
  KPIPE_UNKNOWN_SNAPSHOT: 64,
  KPIPE_AMBIGUOUS_SNAPSHOT: 64,
  KPIPE_TARGET_EXISTS: 64,
  KPIPE_REPOSITORY_EXISTS: 64,
  KPIPE_TRAILER_MISMATCH: 65,
  KPIPE_SIZE_MISMATCH: 65,
  KPIPE_DIGEST_MISMATCH: 65,
  KPIPE_DAMAGED: 65,
  KPIPE_OBJECT_MISSING: 65,
  KPIPE_BOLT_INVALID: 65,
  KPIPE_ROLLBACK: 65,
  KPIPE_SOURCE_UNREACHABLE: 69,
  KPIPE_SOURCE_PROTOCOL: 69,
  KPIPE_SOURCE_REFUSED: 69,
  KPIPE_SOURCE_DIED: 69,
  KPIPE_SOURCE_STALLED: 69,
  KPIPE_SOURCE_CORRUPT: 75,
  KPIPE_EVIDENCE_MISSING: 75,
  KPIPE_STORE_FULL: 75,
  KPIPE_STORE_FORBIDDEN: 75,
  KPIPE_STORE_FAILED: 75,
  KPIPE_STORE_STALLED: 75,
  KPIPE_STORE_UNSUITABLE: 75,
  KPIPE_TARGET_FAILED: 75,
  KPIPE_HELD_TOO_LONG: 75,
  KPIPE_HOOK_FAILED: 75,
  KPIPE_PIPELINE_MISSING: 78,
  KPIPE_PIPELINE_INVALID: 78,
  KPIPE_STAGE_MISSING: 78,
  KPIPE_STAGE_INVALID: 78,
  KPIPE_STAGE_FAILED: 78,
  KPIPE_FORMAT_UNSUPPORTED: 78,
  KPIPE_INTERRUPTED: 130,
} as const

export type KpipeErrorCode = keyof typeof exitCodes

const brand = Symbol.for('@kpipe/engine KpipeError')

/** Plain facts of a failure: endpoint, object name, byte counts. Never a secret. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/**
 * A fault of the world, told to the user: the message says what failed, on what, and what was seen.
 * What to do about it is looked up by `code` in the command line.
 */
export class KpipeError extends Error {
  readonly code: KpipeErrorCode
  readonly details: ErrorDetails
  readonly [brand] = true

  /** Also those that another copy of this class made: a stage may bring its own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value
  }

  constructor(code: KpipeErrorCode, message: string, details: ErrorDetails = {}, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'KpipeError'
    this.code = code
    this.details = details
  }

  get exitCode(): number {
    return exitCodes[this.code]
  }
}
