import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BoltError, readFields } from '@kpipe/bolt'
import { walRecords, walTypes } from './wal-records.ts'
import type { WalEnd, WalRecord } from './wal-records.ts'

/** What the log of a stopped member holds beyond its database. */
export interface WalSummary {
  /** Index of the last entry, 0 without any. */
  readonly lastIndex: number
  /** Up to which index the member knew entries to be agreed; those above may be right, too. */
  readonly commit: number
  /** Entries behind the index that was asked for. */
  readonly entries: number
  /** Those of them that write keys, compact, or grant and revoke leases. */
  readonly writes: number
  readonly memberId: bigint | undefined
  readonly clusterId: bigint | undefined
  /** Where reading ended before the end of the log: a sentence. */
  readonly fault: string | undefined
}

const walFile = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/
/** One bit of memory a byte: entries that are behind the database, in a log that was never snapshotted. */
const mostEntries = 10_000_000

/**
 * Reads a folder of log files as etcd does at its start, and changes nothing. Files that are being made (`*.tmp`) and those that etcd
 * has put aside are passed over.
 * @param after the consistent index of the database
 */
export async function readWal(folder: string, after: number): Promise<WalSummary> {
  const names = (await readdir(folder)).filter((name) => walFile.test(name)).toSorted()
  const first = Math.max(0, names.findLastIndex((name) => indexOf(name) <= after + 1)) // prettier-ignore
  /** For each entry behind `after` whether it writes; a later one of the same index takes the place of all from there on. */
  const behind: boolean[] = []
  let lastIndex = 0
  let commit = 0
  let ids: readonly [member: bigint, cluster: bigint] | undefined
  let fault: string | undefined

  function see(record: WalRecord): void {
    try {
      note(record)
    } catch (error) {
      if (!(error instanceof BoltError)) throw error
      fault ??= `a record of type ${record.type} holds no message of raft`
    }
  }

  function note({ type, data }: WalRecord): void {
    if (type === walTypes.metadata) ids = [numberIn(data, 1), numberIn(data, 2)]
    else if (type === walTypes.hardState) commit = Number(numberIn(data, 3))
    else if (type === walTypes.entry) {
      const index = Number(numberIn(data, 3))
      lastIndex = index
      if (index <= after) behind.length = 0
      else if (index - after <= Math.min(behind.length + 1, mostEntries)) {
        behind.length = index - after - 1
        behind.push(isWrite(data))
      } else fault ??= `entry ${index} follows ${after + behind.length}`
    }
  }

  let crc = 0
  for (const [i, name] of names.slice(first).entries()) {
    const sequence = sequenceOf(names[first]!) + i
    if (sequenceOf(name) !== sequence) fault ??= `the log has no file number ${sequence}`
    const { kind, position, crc: ended } = await readFile(join(folder, name), crc, see)
    crc = ended
    const isLast = first + i === names.length - 1
    // A record that was being written when the machine stopped was never acknowledged.
    if (kind === 'damaged' || (kind === 'torn' && !isLast)) fault ??= `${name} is damaged at byte ${position}`
    if (fault !== undefined) break
  }
  return {
    lastIndex,
    commit,
    entries: behind.length,
    writes: behind.filter(Boolean).length,
    memberId: ids?.[0],
    clusterId: ids?.[1],
    fault,
  }
}

/** Whose log it is, as the first records of its newest file say; undefined when they do not. */
export async function readWalIds(folder: string): Promise<{ readonly memberId: bigint; readonly clusterId: bigint } | undefined> {
  const newest = (await readdir(folder)).filter((name) => walFile.test(name)).toSorted().at(-1) // prettier-ignore
  if (newest === undefined) return undefined
  // The first record says where the chain of CRCs goes on, whatever came before.
  for await (const { type, data } of walRecords(join(folder, newest), 0))
    if (type === walTypes.metadata) return { memberId: numberIn(data, 1), clusterId: numberIn(data, 2) }
  return undefined
}

async function readFile(file: string, crc: number, see: (record: WalRecord) => void): Promise<WalEnd> {
  const records = walRecords(file, crc)
  for (;;) {
    const next = await records.next()
    if (next.done) return next.value
    see(next.value)
  }
}

const sequenceOf = (name: string): number => Number(`0x${walFile.exec(name)![1]}`)
const indexOf = (name: string): number => Number(`0x${walFile.exec(name)![2]}`)

/** Fields of raft's messages are numbers here; absent ones are 0. */
function numberIn(message: Uint8Array, wanted: number): bigint {
  let found = 0n
  for (const { number, value } of readFields(message)) if (number === wanted && typeof value === 'bigint') found = value
  return found
}

/**
 * Of etcd's requests, those that change keys and leases are fields 4 (put) to 9 (lease revoke), each a message. Before 3.5, a request of version
 * 2 may stand there without any wrapper, as those of members and of health checks do: its fields 5, 7 and 9, always written, are numbers.
 */
function isWrite(entry: Uint8Array): boolean {
  let type = 0n
  let request: Uint8Array | undefined
  for (const { number, value } of readFields(entry)) {
    if (number === 1 && typeof value === 'bigint') type = value
    if (number === 4 && typeof value !== 'bigint') request = value
  }
  if (type !== 0n || request === undefined) return false
  const changes = [...readFields(request)].filter(({ number }) => number >= 4 && number <= 9)
  return changes.length > 0 && changes.every(({ value }) => typeof value !== 'bigint')
}
