import { KpipeError } from '../contracts/index.ts'
import type { SourceStream } from '../contracts/index.ts'

export interface HeldSource {
  /** Its last byte is there: it may stay open for as long as it takes. */
  release(): void
  close(): Promise<void>
}

/** Closes the stream at the first call only. */
export function closedOnce(stream: SourceStream, release: () => void): HeldSource {
  let closing: Promise<void> | undefined
  return {
    release,
    close() {
      release()
      return (closing ??= stream.close())
    },
  }
}

export function heldTooLong(ms: number): KpipeError {
  return new KpipeError('KPIPE_HELD_TOO_LONG', `the source was held for more than ${ms / 1000} s`)
}
