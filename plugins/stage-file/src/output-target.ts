import { fsync } from 'node:fs'
import type { Writable } from 'node:stream'
import type { OrderedTarget } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import { reasonOf } from './reason.ts'

/** Standard output. What has gone out cannot be taken back, so `abort` only stops. */
export function outputTarget(output: Writable & { readonly fd?: number }): OrderedTarget {
  let position = 0
  // A reader that goes away is reported to the write that is under way; without a listener it would end the process.
  output.on('error', () => undefined)

  return {
    ordered: true,
    write(at, bytes) {
      if (at !== position) throw new Error(`write at ${at}, but the stream is at ${position}`)
      position += bytes.length
      // Waiting for the call back, not just for `drain`: only then may the bytes be reused.
      return new Promise((done, fail) => {
        output.write(bytes, (cause) => (cause ? fail(failed(cause)) : done()))
      })
    },
    commit() {
      // Pipes and terminals have nothing to sync and refuse; a redirected file is made durable.
      return new Promise((done) => (output.fd === undefined ? done() : fsync(output.fd, () => done())))
    },
    abort: () => Promise.resolve(),
  }
}

function failed(cause: Error): KpipeError {
  const gone = (cause as NodeJS.ErrnoException).code === 'EPIPE'
  const message = gone ? 'standard output was closed by its reader' : `standard output cannot be written: ${reasonOf(cause)}`
  return new KpipeError('KPIPE_TARGET_FAILED', message, {}, { cause })
}
