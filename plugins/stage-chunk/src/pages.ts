import type { ChunkPlan } from '@kpipe/engine/contracts'

export function pagePlan(pageBytes: number): ChunkPlan {
  return { id: `page/${pageBytes}`, pageBytes }
}

/** The last chunk is shorter when the stream ends within a page, as with etcd's trailer of 32 bytes. */
export function pageEnds(bytes: Uint8Array, pageBytes: number): Uint32Array {
  const ends = new Uint32Array(Math.ceil(bytes.length / pageBytes))
  for (let i = 0; i < ends.length; i++) ends[i] = Math.min((i + 1) * pageBytes, bytes.length)
  return ends
}

export function lastPageEnd(bytes: Uint8Array, pageBytes: number): number {
  return bytes.length - (bytes.length % pageBytes)
}
