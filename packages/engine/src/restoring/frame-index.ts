import type { SealedStream } from '../contracts/index.ts'

/** The chunks of each frame, in stream order: the inverse of the stream's own lists. */
export interface FrameIndex {
  /** Chunks of frame f, as a view: ascending positions in the stream. */
  chunksOf(frame: number): Uint32Array
}

/** A counting sort: 4 bytes a chunk and 4 a frame. */
export function frameIndex(stream: SealedStream): FrameIndex {
  const starts = new Uint32Array(stream.frames + 1)
  for (let chunk = 0; chunk < stream.chunks; chunk++) starts[stream.frameOf[chunk]! + 1]!++
  for (let frame = 0; frame < stream.frames; frame++) starts[frame + 1]! += starts[frame]!
  const next = starts.slice()
  const chunks = new Uint32Array(stream.chunks)
  for (let chunk = 0; chunk < stream.chunks; chunk++) chunks[next[stream.frameOf[chunk]!]!++] = chunk
  return { chunksOf: (frame) => chunks.subarray(starts[frame]!, starts[frame + 1]!) }
}
