import type { ChunkPlan, ChunkStage } from '../contracts/index.ts'
import { Segmenter } from '../loop/segments.ts'
import { demand } from './conformance-case.ts'

/** A stream as the suite feeds it: pieces in order. */
export type Pieces = Iterable<Uint8Array>

/**
 * Cuts a stream as the engine does: segments in shared memory that end at an anchor. `take` gets each chunk, with
 * its end in the stream.
 */
export function cutInSegments(
  stage: ChunkStage<never>,
  plan: ChunkPlan,
  pieces: Pieces,
  segmentBytes: number,
  take: (chunk: Uint8Array, end: number) => void,
): void {
  const segmenter = new Segmenter(stage as ChunkStage<unknown>, plan, segmentBytes)
  const cutOne = (last: boolean) => {
    const segment = segmenter.take(last)
    if (segment === undefined) return
    const bytes = new Uint8Array(segment.slot, 0, segment.bytes)
    let start = 0
    for (const end of checkedEnds(stage, plan, bytes)) {
      take(bytes.subarray(start, end), segment.position + end)
      start = end
    }
    segmenter.release(segment)
  }
  for (const piece of pieces) {
    for (let offset = 0; offset < piece.length;) {
      offset += segmenter.fill(piece, offset)
      if (segmenter.full) cutOne(false)
    }
  }
  cutOne(true)
}

/** What `cut` answers. @throws Error when chunks are empty, out of order, or do not cover all bytes */
export function checkedEnds(stage: ChunkStage<never>, plan: ChunkPlan, bytes: Uint8Array): Uint32Array {
  const ends = stage.cut(bytes, plan as never)
  demand(ends instanceof Uint32Array, 'the ends of chunks are no Uint32Array')
  let previous = 0
  for (const end of ends) {
    demand(end > previous, `after a chunk that ends at ${previous} comes one that ends at ${end}`)
    previous = end
  }
  demand(previous === bytes.length, `the last chunk of ${bytes.length} bytes ends at ${previous}`)
  return ends
}
