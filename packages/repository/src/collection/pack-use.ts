import type { PackRecord } from '../log/state.ts'
import { livePlainBytes, storedBytesOf } from './open-pack.ts'
import type { OpenPack } from './open-pack.ts'

/** How much of a pack is of use. */
export interface PackUse {
  readonly pack: PackRecord
  readonly liveChunks: number
  /** Of the object: what its frames would take with the chunks alone that are needed, by their plain lengths. */
  readonly liveBytes: number
  readonly unusedBytes: number
  /** Oldest epoch of the keys of its frames. */
  readonly epoch: number
}

export function packUse(open: OpenPack): PackUse {
  const { pack, directory, live } = open
  let unused = 0
  for (const frame of directory.frames) {
    const plain = frame.lengths[0]
    if (plain > 0) unused += storedBytesOf(frame) * (1 - livePlainBytes(open, frame) / plain)
  }
  const unusedBytes = Math.round(unused)
  const epoch = Math.min(...directory.frames.map(({ kind }) => kind.epoch))
  return { pack, liveChunks: live.reduce((sum, one) => sum + one, 0), liveBytes: pack.bytes - unusedBytes, unusedBytes, epoch }
}
