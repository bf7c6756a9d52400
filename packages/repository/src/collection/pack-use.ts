import type { PackRecord } from '../log/state.ts'
import { livePlainBytes, storedBytesOf, wastedPlainBytes } from './open-pack.ts'
import type { OpenPack } from './open-pack.ts'

/** How much of a pack is of use. */
export interface PackUse {
  readonly pack: PackRecord
  readonly liveChunks: number
  /** Of the object: what its frames would take with the chunks alone that are needed, by their plain lengths. */
  readonly liveBytes: number
  readonly unusedBytes: number
  /** Plain bytes of its frames that are decoded for nothing when the newest snapshots are restored, where it is worth a change. */
  readonly wastedBytes: number
  /** Oldest epoch of the keys of its frames. */
  readonly epoch: number
}

export function packUse(open: OpenPack): PackUse {
  const { pack, directory, live } = open
  let [unused, wastedBytes] = [0, 0]
  for (const frame of directory.frames) {
    const plain = frame.lengths[0]
    wastedBytes += wastedPlainBytes(open, frame)
    if (plain > 0) unused += storedBytesOf(frame) * (1 - livePlainBytes(open, frame) / plain)
  }
  const unusedBytes = Math.round(unused)
  const epoch = Math.min(...directory.frames.map(({ kind }) => kind.epoch))
  const liveChunks = live.reduce((sum, one) => sum + one, 0)
  return { pack, liveChunks, liveBytes: pack.bytes - unusedBytes, unusedBytes, wastedBytes, epoch }
}
