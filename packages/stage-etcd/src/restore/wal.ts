import { crc32c } from '@kpipe/bolt'
import type { Form } from './form.ts'
import type { InitialCluster } from './initial-cluster.ts'
import { addingEntry, confState, lastIndex, message, term } from './raft-messages.ts'

/** Name of a log's first file: sequence, and the first index in it. */
export const walName = `${'0'.repeat(16)}-${'0'.repeat(16)}.wal`
/** etcd sets this length aside for each file; behind the last record all is zero. */
export const walFileBytes = 64_000_000

const types = { metadata: 1n, entry: 2n, hardState: 3n, crc: 4n, snapshot: 5n }

/**
 * The log of a member that has never run, byte for byte as the etcdutl of that line writes it: the members join, and a snapshot follows.
 * Frames: u64 LE length, whose top byte says how many zeros pad the record to 8 bytes; each record has the CRC-32C of all data so far.
 */
export function walOf(cluster: InitialCluster, form: Form): Uint8Array {
  const frames: Uint8Array[] = []
  let crc = 0
  const record = (type: bigint, data?: Uint8Array) => {
    if (data !== undefined) crc = crc32c(viewOf(data), 0, data.length, crc)
    const bytes = message([1, type], [2, BigInt(crc)], data && [3, data])
    const pad = (8 - (bytes.length % 8)) % 8
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(bytes.length) | (pad === 0 ? 0n : BigInt(0x80 | pad) << 56n))
    frames.push(length, bytes, new Uint8Array(pad))
  }
  record(types.crc)
  record(types.metadata, message([1, cluster.self.id], [2, cluster.id]))
  record(types.snapshot, message([1, 0n], [2, 0n]))
  for (const [i, member] of cluster.members.entries()) record(types.entry, addingEntry(member, i + 1, form))
  record(types.hardState, message([1, term], [2, cluster.members[0]!.id], [3, lastIndex(cluster)]))
  const state = form === '3.4' ? undefined : ([3, confState(cluster, form)] as const)
  record(types.snapshot, message([1, lastIndex(cluster)], [2, term], state))
  return Buffer.concat(frames)
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
