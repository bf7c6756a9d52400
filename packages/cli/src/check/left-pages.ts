import { withoutTrailer } from '@kpipe/bolt'
import type { LeftPages } from '@kpipe/bolt'
import { sealedReader } from '@kpipe/engine'
import type { SealedReaderOptions } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import type { SealedStream } from '@kpipe/engine/contracts'

/** Decoded pages that are kept: a tree is walked back and forth over the frames. */
const cacheBytes = 256 * 1024 * 1024
/** Of etcd everywhere but on machines with other pages. */
const usualPageBytes = 4096

/** The pages of a snapshot's database that can still be read. */
export function leftPages(options: Omit<SealedReaderOptions, 'cacheBytes'>, pageBytes: number | undefined): LeftPages {
  const { stream } = options
  const reader = sealedReader({ ...options, stream: failingOnce(stream), cacheBytes })
  const size = lengthOfPages(stream, pageBytes)
  return {
    bytes: withoutTrailer(stream.bytes),
    pageBytes: size,
    async read(page) {
      try {
        return await reader.read(page * size, size)
      } catch (error) {
        if (isDamage(error)) return undefined
        throw error
      }
    },
  }
}

/** Of the database: of chunks that are pages, else as it is known, else the usual. */
export function lengthOfPages({ pageBytes }: SealedStream, known: number | undefined): number {
  return pageBytes || (known ?? usualPageBytes)
}

/** A frame that is lost is not asked for again for each of its pages. */
export function failingOnce(stream: SealedStream): SealedStream {
  const failed = new Map<number, KpipeError>()
  return {
    ...stream,
    async load(frame) {
      const known = failed.get(frame)
      if (known !== undefined) throw known
      try {
        return await stream.load(frame)
      } catch (error) {
        if (isDamage(error)) failed.set(frame, error)
        throw error
      }
    },
  }
}

export function isDamage(error: unknown): error is KpipeError {
  return error instanceof KpipeError && error.exitCode === 65
}
