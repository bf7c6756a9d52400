import { randomInt } from 'node:crypto'
import { crc32c } from './crc32c.ts'
import { BoltError } from './errors.ts'
import { keyHash } from './key-hash.ts'
import { readRevision } from './revision.ts'
import type { Revision } from './revision.ts'
import { hashUserKey } from './user-key.ts'
import { userKeys } from './user-keys.ts'
import { walk } from './walk.ts'
import type { Bolt, BoltItem } from './walk.ts'

/** What a member answers to HashKV. Two are to be compared only when revision and compaction are the same. */
export interface HashKv {
  readonly hash: number
  /** Up to which revision was hashed. */
  readonly revision: number
  /** Where history begins, as a member says it as soon as a compaction is asked for; -1 when never compacted. */
  readonly compactRevision: number
  /** What 3.4.33, 3.5.15 and earlier make of the same rows, where it is something else: only without any live key. */
  readonly hashBefore?: number
}

/**
 * HashKV of etcd 3.4.34, 3.5.16 and later, from the database's own bytes, which are checked on the way. Reads the database twice, and holds
 * about 24 bytes a user key.
 * @param revision up to which to hash; 0 is the current one
 * @throws BoltError; RangeError when the revision is in the future or was compacted
 */
export async function hashKv(bolt: Bolt, revision = 0): Promise<HashKv> {
  const seed = randomInt(2 ** 32)
  const keys = userKeys()
  /** For each user key its newest row up to the revision, by its place among the rows; `none` when that is a tombstone. */
  let newest = new Uint32Array(1024)
  let kept = 0
  let rows = 0
  let latest = 1
  const compactions = new Map<string, number>()
  for await (const item of walk(bolt)) {
    const { path, key, value } = item
    if (value === undefined || path.length !== 1) continue
    const bucket = Buffer.from(path[0]).toString()
    if (bucket === 'meta') compactions.set(Buffer.from(key).toString(), readRevision(value)?.main ?? -1)
    if (bucket !== 'key') continue
    const row = readRow(item)
    latest = Math.max(latest, row.main)
    if (revision > 0 && row.main > revision) continue
    const number = numberOf(row, keys, seed)
    if (number >= newest.length) newest = widened(newest)
    rows++
    kept += Number(!row.tombstone) - Number(newest[number] !== none)
    newest[number] = row.tombstone ? none : rows
  }
  // What a compaction under way would remove counts no more.
  const compactRevision = Math.max(compactions.get('finishedCompactRev') ?? -1, compactions.get('scheduledCompactRev') ?? -1)
  const current = Math.max(latest, compactRevision)
  if (revision > current) throw new RangeError(`revision ${revision} is in the future: the database is at ${current}`)
  if (revision > 0 && revision < compactRevision) throw new RangeError(`revision ${revision} is gone: history begins at ${compactRevision}`)
  const until = revision === 0 ? current : revision

  let hash = crc32c(new DataView(new TextEncoder().encode('key').buffer), 0, 3)
  rows = 0
  for await (const item of walk(bolt, 'key')) {
    if (item.value === undefined || item.path.length !== 1) continue
    const row = readRow(item)
    if (row.main > until) break
    rows++
    if (row.main === compactRevision && row.tombstone) continue
    if (row.main <= compactRevision && kept > 0 && newest[numberOf(row, keys, seed)] !== rows) continue
    hash = crc32c(row.view, 0, row.view.byteLength, hash)
  }
  return { hash, revision: until, compactRevision }
}

/** Rows count from 1. */
const none = 0

interface Row extends Revision {
  /** Key and value, which lie side by side in every leaf. */
  readonly view: DataView
  readonly keyBytes: number
}

function readRow({ key, value }: BoltItem): Row {
  const revision = readRevision(key)
  if (revision === undefined) throw new BoltError('schema', 'bucket key holds what is no revision')
  return { ...revision, view: new DataView(key.buffer, key.byteOffset, key.length + value!.length), keyBytes: key.length }
}

function numberOf({ view, keyBytes }: Row, keys: ReturnType<typeof userKeys>, seed: number): number {
  if (!hashUserKey(view, keyBytes, view.byteLength, seed)) throw new BoltError('schema', 'a row of bucket key is no KeyValue')
  return keys.number(keyHash.low, keyHash.high)
}

function widened(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(2 * numbers.length)
  wider.set(numbers)
  return wider
}
