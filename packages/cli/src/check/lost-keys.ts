import { leftRevisions, lostRows, readKeyValue, readRevision, salvage } from '@kpipe/bolt'
import type { LeftPages, LostRange, LostRows } from '@kpipe/bolt'
import type { Facts } from '@kpipe/engine/contracts'
import type { Snapshot } from '@kpipe/repository'

/** Keys that a snapshot has lost, as far as it can be told. */
export interface LostKeys {
  readonly snapshot: Snapshot
  /** Pages of the tree that are lost; a page that is not in use costs no key. */
  readonly pages: number
  /** Items of all buckets on them, by what was noted when the snapshot was made; undefined where it was not. */
  readonly items: number | undefined
  /** Whether that is their very number: where a branch is lost, rows below it are found on leaves that may be those of an older tree. */
  readonly exact: boolean
  readonly ranges: readonly NamedRange[]
  /** In the order of their revisions: rows that other snapshots hold. */
  readonly known: readonly KnownRow[]
}

/** Items of a bucket. Revisions in bucket `key`, hex digits elsewhere; undefined at its ends. */
export interface NamedRange {
  /** Empty: all buckets. */
  readonly bucket: string
  readonly from: string | undefined
  readonly until: string | undefined
}

export interface KnownRow {
  readonly key: string
  /** `main`, or `main/sub` inside a transaction. */
  readonly revision: string
  readonly deleted: boolean
  /** Whether the damaged snapshot had it: it may have been compacted away from an older one. */
  readonly certain: boolean
  readonly snapshot: Snapshot
}

/** Another snapshot of the same cluster, which may know what one has lost. */
export interface Neighbour {
  readonly snapshot: Snapshot
  readonly pages: LeftPages
}

/**
 * What of a database is on lost pages. Which keys those were, only other snapshots of the same cluster can tell: a revision is
 * always of the same key.
 * @param others whole snapshots of the same name that may know them, with their pages
 */
export async function findLostKeys(snapshot: Snapshot, pages: LeftPages, others: readonly Neighbour[]): Promise<LostKeys> {
  const lost: LostRange[] = []
  let items = 0
  for await (const found of salvage(pages)) {
    if (found.kind === 'lost') lost.push(found)
    else if (found.kind === 'item' && found.path.length === 1) items += 1
  }
  const ranges = lost.filter(({ path }) => isOfKeys(path))
  const branches = ranges.filter(({ leaf }) => leaf !== true)
  const left = branches.length > 0 ? await revisionsIn(lostRows(branches), pages) : new Set<string>()
  const known = await knownRows(snapshot, ranges, others)
  const noted = number(snapshot.facts, 'items')
  return {
    snapshot,
    pages: lost.length,
    items: noted === undefined ? undefined : Math.max(0, noted - items - left.size),
    exact: left.size === 0,
    ranges: lost.map(namedRange),
    known: known.filter(({ revision }) => !left.has(revision)),
  }
}

/** Rows of lost ranges that other snapshots hold, in the order of their revisions. */
export async function knownRows(snapshot: Snapshot, lost: readonly LostRange[], others: readonly Neighbour[]): Promise<KnownRow[]> {
  const rows = lostRows(lost)
  const known = new Map<string, KnownRow>()
  for (const other of rows.none ? [] : others) {
    const meets = ({ path, from, until }: Pick<LostRange, 'path' | 'from' | 'until'>): boolean =>
      path.length === 0 || (isOfKeys(path) && rows.meets(from, until))
    for await (const found of salvage(other.pages, meets)) {
      if (found.kind !== 'item' || !isOfKeys(found.path) || !rows.has(found.key)) continue
      const row = knownRow(snapshot, other.snapshot, found)
      if (row !== undefined && !known.has(row.revision)) known.set(row.revision, row)
    }
  }
  return [...known.values()].toSorted((one, other) => byRevision(one.revision, other.revision))
}

/** Rows of lost ranges that are on pages which can be read: a branch above them is lost, not they. */
async function revisionsIn(rows: LostRows, pages: LeftPages): Promise<Set<string>> {
  const left = new Set<string>()
  for await (const key of leftRevisions(pages)) {
    if (rows.has(key)) left.add(revisionText(readRevision(key)!))
  }
  return left
}

function knownRow(
  damaged: Snapshot,
  other: Snapshot,
  { key, value }: { readonly key: Uint8Array; readonly value: Uint8Array },
): KnownRow | undefined {
  const revision = readRevision(key)
  if (revision === undefined || revision.main > (damaged.revision ?? Infinity)) return undefined
  const compacted = number(damaged.facts, 'compact_revision')
  const isNewer = (other.revision ?? 0) >= (damaged.revision ?? Infinity)
  return {
    key: keyText(readKeyValue(value).key),
    revision: revisionText(revision),
    deleted: revision.tombstone,
    certain: isNewer || (compacted !== undefined && revision.main > compacted),
    snapshot: other,
  }
}

function isOfKeys(path: readonly Uint8Array[]): boolean {
  return path.length === 0 || (path.length === 1 && Buffer.from(path[0]).toString('latin1') === 'key')
}

export function namedRange({ path, from, until }: LostRange): NamedRange {
  const bucket = path.map(keyText).join('/')
  const told = (key: Uint8Array | undefined): string | undefined => {
    const revision = key === undefined || !isOfKeys(path) ? undefined : readRevision(key)
    return revision === undefined ? key && keyText(key) : revisionText(revision)
  }
  return { bucket, from: told(from), until: told(until) }
}

export function revisionText({ main, sub }: { readonly main: number; readonly sub: number }): string {
  return sub === 0 ? String(main) : `${main}/${sub}`
}

export function byRevision(one: string, other: string): number {
  const [oneMain, oneSub = 0] = one.split('/').map(Number)
  const [otherMain, otherSub = 0] = other.split('/').map(Number)
  return oneMain - otherMain || oneSub - otherSub
}

/** Keys are bytes; those of Kubernetes are text. */
export function keyText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8')
  return /^[\x20-\x7e]*$/.test(text) ? text : `0x${Buffer.from(bytes).toString('hex')}`
}

function number(facts: Facts, name: string): number | undefined {
  const fact = facts[name]
  return typeof fact === 'number' ? fact : undefined
}
