import { KpipeError } from '@kpipe/engine/contracts'
import type { Snapshot } from './snapshot.ts'

export interface Found {
  readonly snapshot: Snapshot
  /** Newer ones that are in doubt, oldest first. */
  readonly passedOver: readonly Snapshot[]
}

/**
 * The snapshot that a person means: a unique prefix of its id (4 hex digits or more), `latest`, `latest~2`,
 * `@<ISO 8601 time>` (the newest at or before), `rev:<revision>` (the newest with exactly that one). Only an id or a revision means one that is in
 * doubt; what is newest passes over those.
 * @param snapshots oldest first
 * @throws KpipeError KPIPE_UNKNOWN_SNAPSHOT, KPIPE_AMBIGUOUS_SNAPSHOT
 */
export function findSnapshot(snapshots: readonly Snapshot[], reference: string, name?: string): Found {
  const named = name === undefined ? snapshots : snapshots.filter((snapshot) => snapshot.name === name)
  const latest = /^latest(?:~(\d{1,9}))?$/.exec(reference)
  if (latest !== null) return newest(oneName(named, reference, name), Number(latest[1] ?? 0), reference, name)
  if (reference.startsWith('@')) {
    const time = parseTime(reference)
    const before = oneName(named, reference, name).filter((snapshot) => snapshot.time.getTime() <= time)
    return newest(before, 0, reference, name, named.length)
  }
  const revision = /^rev:(\d{1,16})$/.exec(reference)
  if (revision !== null) {
    const found = named.filter((snapshot) => snapshot.revision === Number(revision[1]))
    return { snapshot: demand(oneName(found, reference, name).at(-1), reference, named.length, name), passedOver: [] }
  }
  return { snapshot: byPrefix(named, reference, name), passedOver: [] }
}

/** The newest but so many, of those without a doubt. */
function newest(
  snapshots: readonly Snapshot[],
  skip: number,
  reference: string,
  name: string | undefined,
  count = snapshots.length,
): Found {
  const sure = snapshots.filter(({ doubt }) => doubt === undefined)
  const snapshot = sure.at(-1 - skip)
  const doubtful = snapshots.findLast(({ doubt }) => doubt !== undefined)
  if (snapshot === undefined && sure.length === 0 && doubtful !== undefined)
    throw unknown(`no snapshot is "${reference}" but by its id: ${doubtText(doubtful)}`, reference)
  const found = demand(snapshot, reference, count, name)
  return { snapshot: found, passedOver: snapshots.slice(snapshots.indexOf(found) + 1).filter(({ doubt }) => doubt !== undefined) }
}

/** As `snapshot 1f0c… of 2026-11-01T10:00:00.000Z is disputed: …`. */
export function doubtText({ shortId, time, doubt }: Snapshot): string {
  return `snapshot ${shortId} of ${time.toISOString()} is ${doubt}`
}

function byPrefix(snapshots: readonly Snapshot[], reference: string, name: string | undefined): Snapshot {
  const prefix = reference.toLowerCase()
  if (!/^[0-9a-f]{4,64}$/.test(prefix)) throw unknown(`"${reference}" is no snapshot: an id has at least 4 hex digits`, reference)
  const found = snapshots.filter((snapshot) => snapshot.id.startsWith(prefix))
  if (found.length > 1) {
    const ids = found.map((snapshot) => snapshot.shortId)
    throw new KpipeError('KPIPE_AMBIGUOUS_SNAPSHOT', `"${reference}" is the begin of ${found.length} ids: ${ids.slice(0, 5).join(', ')}`, {
      reference,
      candidates: ids,
    })
  }
  return demand(found[0], reference, snapshots.length, name)
}

/** Snapshots of several names have no common order that a person could mean. */
function oneName(snapshots: readonly Snapshot[], reference: string, name: string | undefined): readonly Snapshot[] {
  const names = [...new Set(snapshots.map((snapshot) => snapshot.name))]
  if (name !== undefined || names.length < 2) return snapshots
  throw new KpipeError('KPIPE_AMBIGUOUS_SNAPSHOT', `"${reference}" could be of any of these names: ${names.toSorted().join(', ')}`, {
    reference,
    names,
  })
}

function parseTime(reference: string): number {
  const text = reference.slice(1)
  // Date.parse takes an ISO time without a zone for local time; here every time is UTC.
  const zoned = /T\d/.test(text) && !/(?:[zZ]|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text
  const time = /^\d{4}-/.test(text) ? Date.parse(zoned) : Number.NaN
  if (Number.isNaN(time)) throw unknown(`"${reference}" is no time: one looks like @2026-11-01T10:00Z`, reference)
  return time
}

function demand(snapshot: Snapshot | undefined, reference: string, count: number, name: string | undefined): Snapshot {
  if (snapshot !== undefined) return snapshot
  const among = name === undefined ? 'in the repository' : `named ${name}`
  throw unknown(`no snapshot is "${reference}": there are ${count} ${among}`, reference)
}

function unknown(message: string, reference: string): KpipeError {
  return new KpipeError('KPIPE_UNKNOWN_SNAPSHOT', message, { reference })
}
