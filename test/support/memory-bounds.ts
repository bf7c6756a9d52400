import { availableParallelism } from 'node:os'

/** The bounds of ARCHITECTURE.md, section Memory, in MiB. */
export function memoryBounds(streamBytes: number, pageBytes: number): { readonly run: number; readonly restoreInOrder: number } {
  const threads = Math.min(16, availableParallelism())
  const [segment, frame, pack, cache] = [1, 4, 4, 64]
  const base = 85 + 20 * threads
  const chunks = (32 * (streamBytes / pageBytes)) / 2 ** 20
  const inCodecs = 3 * threads * frame
  const remembered = 10 + threads
  const running = (4 * threads + 1) * segment + (threads + 2) * frame + inCodecs + 4 * pack + remembered
  const restoring = 2 * (threads + 2) * frame + inCodecs + cache
  return { run: base + 1.5 * running + chunks, restoreInOrder: base + 1.5 * restoring + chunks }
}
