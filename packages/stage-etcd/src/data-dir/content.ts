import { filePages, openBolt } from '@kpipe/bolt'
import type { MemberRows } from './member-rows.ts'
import { readMemberRows } from './member-rows.ts'

/** What of a database's file is its content. */
export interface Content {
  /** Up to the high-water mark; what follows is garbage. */
  readonly bytes: number
  /** Where the two meta pages begin. */
  readonly metaPositions: readonly number[]
  readonly txid: bigint
  readonly rows: MemberRows
}

/** @throws BoltError, errors of the system */
export async function readContent(path: string): Promise<Content> {
  const pages = await filePages(path)
  try {
    const bolt = await openBolt(pages)
    const { pageBytes, txid, pages: mark } = bolt.meta
    return { bytes: mark * pageBytes, metaPositions: [0, pageBytes], txid, rows: await readMemberRows(bolt) }
  } finally {
    await pages.close()
  }
}

/** Bytes of a meta page that mean something, its header included; the transaction is a u64 LE at 64. */
export const metaBytes = 80
const txidAt = 64

/**
 * The meta page of this transaction as the first and as the second page, as snapshots have it: a reader that fell back to the older one would
 * find its pages used again. Undefined when none of these is of the transaction.
 */
export function bothMetas(metas: readonly Buffer[], txid: bigint): readonly Buffer[] | undefined {
  const current = metas.find((meta) => meta.length === metaBytes && meta.readBigUInt64LE(txidAt) === txid)
  // The page's number is outside of the checksum.
  return current && [0n, 1n].map((page) => Buffer.concat([u64(page), current.subarray(8)]))
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}
