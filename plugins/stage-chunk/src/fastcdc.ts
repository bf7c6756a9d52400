import type { ChunkPlan } from '@kpipe/engine/contracts'
import { gear } from './gear.ts'

/** Lengths of chunks, in bytes; `average` is a power of two. */
export interface FastcdcPlan extends ChunkPlan {
  readonly min: number
  readonly average: number
  readonly max: number
}

export function fastcdcPlan({ min, average, max }: Pick<FastcdcPlan, 'min' | 'average' | 'max'>): FastcdcPlan {
  return { id: `fastcdc/${min}-${average}-${max}`, pageBytes: 0, min, average, max }
}

/** Bits that the mask has more below the average length, and fewer above it. */
const normalization = 2

/**
 * FastCDC with normalised chunking, level 2 (Xia et al., "The Design of Fast Content-Defined Chunking for Data
 * Deduplication Based Storage Systems", 2020). The gear hash has 32 bits, the masks are its top ones, so that a cut
 * depends on the 32 bytes before it and on where the chunk began, which is itself a cut.
 */
export function fastcdcEnds(bytes: Uint8Array, plan: FastcdcPlan): Uint32Array {
  const ends = new Uint32Array(Math.ceil(bytes.length / plan.min))
  let count = 0
  for (let start = 0; start < bytes.length;) {
    start = chunkEnd(bytes, start, plan)
    ends[count++] = start
  }
  return ends.slice(0, count)
}

/**
 * The last cut before the end. Bytes begin at a cut, as every segment does, so all cuts found in them are those of
 * the whole stream, whatever follows; only the one at the very end may be there for want of more bytes.
 */
export function lastFastcdcCut(bytes: Uint8Array, plan: FastcdcPlan): number {
  let cut = 0
  for (let end = 0; end < bytes.length; end = chunkEnd(bytes, end, plan)) cut = end
  return cut
}

/** End of the chunk that begins at `start`: after the first byte beyond `min` at which the hash has the mask's bits clear, at the latest `max`. */
function chunkEnd(bytes: Uint8Array, start: number, { min, average, max }: FastcdcPlan): number {
  const last = Math.min(bytes.length, start + max)
  const normal = Math.min(last, start + average)
  const bits = Math.log2(average)
  const [strict, loose] = [topBits(bits + normalization), topBits(bits - normalization)]
  let hash = 0
  let at = Math.min(start + min, last)
  // Four bytes a turn: twice as fast as one. The order of the tests is that of the bytes.
  for (; at + 4 <= normal; at += 4) {
    hash = ((hash << 1) + gear[bytes[at]]) | 0
    if ((hash & strict) === 0) return at + 1
    hash = ((hash << 1) + gear[bytes[at + 1]]) | 0
    if ((hash & strict) === 0) return at + 2
    hash = ((hash << 1) + gear[bytes[at + 2]]) | 0
    if ((hash & strict) === 0) return at + 3
    hash = ((hash << 1) + gear[bytes[at + 3]]) | 0
    if ((hash & strict) === 0) return at + 4
  }
  for (; at < normal; at++) {
    hash = ((hash << 1) + gear[bytes[at]]) | 0
    if ((hash & strict) === 0) return at + 1
  }
  for (; at + 4 <= last; at += 4) {
    hash = ((hash << 1) + gear[bytes[at]]) | 0
    if ((hash & loose) === 0) return at + 1
    hash = ((hash << 1) + gear[bytes[at + 1]]) | 0
    if ((hash & loose) === 0) return at + 2
    hash = ((hash << 1) + gear[bytes[at + 2]]) | 0
    if ((hash & loose) === 0) return at + 3
    hash = ((hash << 1) + gear[bytes[at + 3]]) | 0
    if ((hash & loose) === 0) return at + 4
  }
  for (; at < last; at++) {
    hash = ((hash << 1) + gear[bytes[at]]) | 0
    if ((hash & loose) === 0) return at + 1
  }
  return last
}

function topBits(count: number): number {
  return count === 0 ? 0 : -1 << (32 - count)
}
