import { readSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { withoutTrailer } from '@kpipe/bolt'
import type { LeftPages } from '@kpipe/bolt'
import { sealedReader } from '@kpipe/engine'
import type { SealedReaderOptions } from '@kpipe/engine'
import { failingOnce, isDamage, lengthOfPages } from '../check/left-pages.ts'
import { failing } from '../scratch/failing.ts'

export interface LeftFile extends LeftPages {
  close(): Promise<void>
}

/** Now and then timers, signals and progress get their turn. */
const stepsABreath = 512

/**
 * Writes what can be read of a snapshot into a file, frame by frame, each decoded once: a tree is walked back and forth, and would have frames of
 * a large database decoded again and again. Holds 12 bytes a chunk, and a bit a page.
 * @param pageBytes where it is known from the snapshot's facts
 * @throws KpipeError KPIPE_TARGET_FAILED, KPIPE_STORE_*, or the signal's reason
 */
export async function leftFile(
  file: string,
  options: Omit<SealedReaderOptions, 'cacheBytes'>,
  pageBytes: number | undefined,
  signal: AbortSignal,
): Promise<LeftFile> {
  const { stream } = options
  const reader = sealedReader({ ...options, stream: failingOnce(stream) })
  const size = lengthOfPages(stream, pageBytes)
  const lost = new Uint8Array(Math.ceil(stream.bytes / size / 8) + 1)
  const handle = await failing(file, () => open(file, 'wx+', 0o600))
  try {
    let steps = 0
    for (const chunk of inOrderOfFrames(stream.frameOf)) {
      if (++steps % stepsABreath === 0) await setImmediate()
      signal.throwIfAborted()
      const [from, until] = [stream.starts(chunk), stream.starts(chunk + 1)]
      const bytes = await reader.read(from, until - from).catch((error: unknown) => {
        if (!isDamage(error)) throw error
      })
      if (bytes === undefined) for (let page = Math.floor(from / size); page * size < until; page++) lost[page >> 3]! |= 1 << (page & 7)
      else await failing(file, async () => writeNow(handle.fd, from, bytes))
    }
  } catch (error) {
    await handle.close()
    throw error
  }
  let reads = 0
  return {
    bytes: withoutTrailer(stream.bytes),
    pageBytes: size,
    async read(page) {
      if (++reads % stepsABreath === 0) await setImmediate()
      if (((lost[page >> 3] ?? 0xff) & (1 << (page & 7))) !== 0) return undefined
      const into = new Uint8Array(size)
      for (let filled = 0; filled < size;) {
        const count = readSync(handle.fd, into, filled, size - filled, page * size + filled)
        if (count === 0) break
        filled += count
      }
      return into
    },
    close: () => handle.close(),
  }
}

function inOrderOfFrames(frameOf: Uint32Array): Uint32Array {
  return Uint32Array.from(frameOf.keys()).toSorted((one, other) => frameOf[one]! - frameOf[other]! || one - other)
}

function writeNow(fd: number, position: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written, bytes.length - written, position + written)
}
