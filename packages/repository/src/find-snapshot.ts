import { KpipeError } from '@kpipe/engine/contracts'
import type { Snapshot } from './snapshot.ts'

/**
 * The snapshot that a person means: a unique prefix of its id (4 hex digits or more), `latest`, `latest~2`,
 * `@<ISO 8601 time>` (the newest at or before), `rev:<revision>` (the newest with exactly that one).
 * @param snapshots oldest first
 * @throws KpipeError KPIPE_UNKNOWN_SNAPSHOT, KPIPE_AMBIGUOUS_SNAPSHOT
 */
export function findSnapshot(snapshots: readonly Snapshot[], reference: string, name?: string): Snapshot {
  const named = name === undefined ? snapshots : snapshots.filter((snapshot) => snapshot.name === name)
  const latest = /^latest(?:~(\d{1,9}))?$/.exec(reference)
  if (latest !== null) return demand(oneName(named, reference, name).at(-1 - Number(latest[1] ?? 0)), reference, named, name)
  if (reference.startsWith('@')) {
    const time = parseTime(reference)
    return demand(
      oneName(named, reference, name).findLast((snapshot) => snapshot.time.getTime() <= time),
      reference,
      named,
      name,
    )
  }
  const revision = /^rev:(\d{1,16})$/.exec(reference)
  if (revision !== null) {
    const found = named.filter((snapshot) => snapshot.revision === Number(revision[1]))
    return demand(oneName(found, reference, name).at(-1), reference, named, name)
  }
  return byPrefix(named, reference, name)
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
  return demand(found[0], reference, snapshots, name)
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

function demand(snapshot: Snapshot | undefined, reference: string, snapshots: readonly Snapshot[], name: string | undefined): Snapshot {
  if (snapshot !== undefined) return snapshot
  const among = name === undefined ? 'in the repository' : `named ${name}`
  throw unknown(`no snapshot is "${reference}": there are ${snapshots.length} ${among}`, reference)
}

function unknown(message: string, reference: string): KpipeError {
  return new KpipeError('KPIPE_UNKNOWN_SNAPSHOT', message, { reference })
}
