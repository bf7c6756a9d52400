import type { BoltItem, NewItem } from '@kpipe/bolt'

export type Row = readonly [key: Uint8Array, value: Uint8Array]

/** What becomes of one top-level bucket, which is made when it is not there. */
export interface BucketEdit {
  /** Which of its rows go: all, or those of these keys. */
  readonly drop?: 'all' | ReadonlySet<string>
  /** Rows that replace those of the same key, ascending. Asked for when the bucket begins. */
  rows?(): readonly Row[]
  /** Rows that come behind all others. Asked for when the bucket ends. */
  lastRows?(): readonly Row[]
}

/**
 * The items of a database with changes, in their order.
 * @param edits by bucket
 * @param seen is told what comes in, with the name of its top-level bucket
 */
export async function* editedItems(
  items: AsyncIterable<BoltItem>,
  edits: ReadonlyMap<string, BucketEdit>,
  seen: (bucket: string, item: BoltItem) => void,
): AsyncGenerator<NewItem, void> {
  let missing = [...edits.keys()].toSorted()
  let bucket = ''
  let edit: BucketEdit | undefined
  let waiting: readonly Row[] = []

  /** Rows that come before `key`, or all that are left. */
  function* take(key?: Uint8Array): Generator<NewItem> {
    const behind = key === undefined ? -1 : waiting.findIndex((row) => Buffer.compare(row[0], key) >= 0)
    const due = behind === -1 ? waiting : waiting.slice(0, behind)
    waiting = waiting.slice(due.length)
    for (const row of due) yield rowItem(row)
  }

  function* leave(): Generator<NewItem> {
    yield* take()
    for (const row of edit?.lastRows?.() ?? []) yield rowItem(row)
    edit = undefined
  }

  /** Buckets that are not there and would come before this one. */
  function* create(before?: string): Generator<NewItem> {
    const due = missing.filter((name) => before === undefined || name < before)
    missing = missing.filter((name) => name !== before && !due.includes(name))
    for (const name of due) {
      yield { path: { length: 0 }, key: Buffer.from(name), value: undefined, sequence: 0n }
      edit = edits.get(name)
      waiting = edit?.rows?.() ?? []
      yield* leave()
    }
  }

  for await (const item of items) {
    if (item.path.length === 0) {
      yield* leave()
      bucket = Buffer.from(item.key).toString('latin1')
      yield* create(bucket)
      edit = edits.get(bucket)
      waiting = edit?.rows?.() ?? []
      yield item
      continue
    }
    seen(bucket, item)
    if (edit?.drop === 'all' || (item.path.length === 1 && edit?.drop?.has(Buffer.from(item.key).toString('latin1')))) continue
    if (waiting.length > 0 && item.path.length === 1) {
      yield* take(item.key)
      const [row] = waiting
      if (row !== undefined && Buffer.compare(row[0], item.key) === 0) continue
    }
    yield item
  }
  yield* leave()
  yield* create()
}

function rowItem([key, value]: Row): NewItem {
  return { path: { length: 1 }, key, value, sequence: undefined }
}
