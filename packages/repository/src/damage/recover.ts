import { createHash } from 'node:crypto'
import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Entry, LostEntry } from '../log/entry.ts'
import { beginState, fold } from '../log/fold.ts'
import type { Genesis, NewPack, Payload } from '../log/payload.ts'
import type { LogState } from '../log/state.ts'
import { SnapshotList } from '../snapshot-list.ts'
import { findLosses } from './losses.ts'
import { packsByWriter, readNewPack } from './unnamed-packs.ts'
import { lostOpens, packsNeeded } from './what-is-missing.ts'

/** Stands in the place of the manifest that is lost with its entry. */
const noManifest = new Uint8Array(0)
const noManifestId = createHash('sha256').update(noManifest).digest('hex')
const maxCandidates = 8

export interface Recovered {
  readonly state: LogState
  /** Ids of snapshots that exist in it, and without it would not. */
  readonly snapshots: readonly string[]
}

/**
 * What lost entries said that others need: later SNAPSHOT entries name a writer that no OPEN has opened, or packs that no entry
 * has brought, and both can be told from what is there. Undefined when nothing is gained, or what is gained does not prove itself:
 * the recipes of the snapshots must lead to these very packs.
 * @param entries all of the log after GENESIS
 */
export async function recoverState(
  store: Store,
  ring: KeyRing,
  genesis: Entry & { readonly payload: Genesis },
  entries: readonly (Entry | LostEntry)[],
  sizes: ReadonlyMap<string, number>,
): Promise<Recovered | undefined> {
  const plain = fold(beginState(genesis), entries)
  const stands = new Map<number, Payload>()
  for (const [n, writer] of lostOpens(entries)) stands.set(n, openOf(writer))
  const unnamed = packsByWriter(entries, sizes)
  const openWriters = new Set(entries.map(openedBy).filter((writer) => writer !== undefined))
  for (const [n, count] of packsNeeded(entries)) {
    const candidates = [...unnamed].filter(([, ids]) => ids.length >= count).slice(0, maxCandidates)
    for (const [writer, ids] of candidates) {
      const packs = await newPacks(store, ring, ids)
      const trial = new Map(stands).set(n, standIn(entries, n, Buffer.from(writer, 'hex'), packs))
      const open = openWriters.has(writer) ? undefined : freeBelow(entries, n, trial)
      if (open !== undefined) trial.set(open, openOf(Buffer.from(writer, 'hex')))
      // Which writer's they were, the later snapshots tell: their recipes name the packs by their ids.
      if (!(await proves(store, ring, plain, withoutStandIns(genesis, entries, trial)))) continue
      for (const [at, payload] of trial) stands.set(at, payload)
      unnamed.delete(writer)
      break
    }
  }
  const state = withoutStandIns(genesis, entries, stands)
  const gained = [...state.snapshots.keys()].filter((id) => !plain.snapshots.has(id))
  return gained.length > 0 && (await proves(store, ring, plain, state)) ? { state, snapshots: gained } : undefined
}

function openOf(writer: Uint8Array): Payload {
  return { kind: 'OPEN', time: 0, writer, tool: '', host: '', boot: '', pid: 0 }
}

function openedBy(entry: Entry | LostEntry): string | undefined {
  return 'payload' in entry && entry.payload.kind === 'OPEN' ? Buffer.from(entry.payload.writer).toString('hex') : undefined
}

/** A lost entry below n for which nothing stands yet. */
function freeBelow(entries: readonly (Entry | LostEntry)[], n: number, stands: ReadonlyMap<number, Payload>): number | undefined {
  return entries.findLast((entry) => !('payload' in entry) && entry.n < n && !stands.has(entry.n))?.n
}

/** A SNAPSHOT, or a COMPACT of a writer that goes on after it: one that brings these packs and says nothing else. */
function standIn(entries: readonly (Entry | LostEntry)[], n: number, writer: Uint8Array, packs: readonly NewPack[]): Payload {
  const none = new Uint8Array(0)
  const later = entries
    .filter((entry) => 'payload' in entry && entry.n > n)
    .map((entry) => (entry as Entry).payload)
    .filter((payload) => 'writer' in payload && Buffer.compare(payload.writer, writer) === 0)
  if (later.length === 0) return { kind: 'SNAPSHOT', time: 0, writer, packs, uses: none, manifest: noManifest }
  const next = later.find((payload) => payload.kind === 'COMPACT')
  return { kind: 'COMPACT', time: 0, writer, packs, old: none, into: none, up_to: next?.up_to ?? n - 1 }
}

/** In the order in which a SNAPSHOT entry lists them: those of chunks, then those of recipes. */
async function newPacks(store: Store, ring: KeyRing, ids: readonly string[]): Promise<NewPack[]> {
  const packs: NewPack[] = []
  for (const id of ids) {
    const pack = await readNewPack(store, ring, id)
    if (pack !== undefined) packs.push(pack)
  }
  return [...packs.filter(([packClass]) => packClass === 'D'), ...packs.filter(([packClass]) => packClass === 'M')]
}

/** The state with these payloads in place of lost entries; what they stand for makes no snapshot. */
function withoutStandIns(
  genesis: Entry & { readonly payload: Genesis },
  entries: readonly (Entry | LostEntry)[],
  stands: ReadonlyMap<number, Payload>,
): LogState {
  const filled = entries.map((entry, at): Entry | LostEntry => {
    const payload = 'payload' in entry ? undefined : stands.get(entry.n)
    if (payload === undefined) return entry
    const next = entries.slice(at + 1).find((other) => 'payload' in other)
    const epoch = next !== undefined && 'payload' in next ? next.epoch : genesis.epoch
    return { n: entry.n, epoch, previous: new Uint8Array(32), digest: entry.digest ?? new Uint8Array(32), payload }
  })
  const state = fold(beginState(genesis), filled)
  return { ...state, snapshots: new Map([...state.snapshots].filter(([id]) => id !== noManifestId)) }
}

/** Whether a state has more snapshots than another, and all of those are whole, as far as their recipes tell. */
async function proves(store: Store, ring: KeyRing, plain: LogState, state: LogState): Promise<boolean> {
  const gained = new Set([...state.snapshots.keys()].filter((id) => !plain.snapshots.has(id)))
  if (gained.size === 0) return false
  const list = new SnapshotList(store, ring)
  await list.load(state)
  const readable = list.all(state).filter(({ id }) => gained.has(id))
  const { hurt } = await findLosses(store, ring, state, readable)
  return readable.length === gained.size && hurt.size === 0
}
