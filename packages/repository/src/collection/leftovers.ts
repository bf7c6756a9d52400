import type { Store, StoredObject } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import { entryEpoch, entryName, openEntry } from '../log/entry.ts'
import type { LogState } from '../log/state.ts'
import { mapLimit } from '../map-limit.ts'
import { packName } from '../packs/pack-name.ts'

const entriesAtOnce = 16
const packPattern = /^packs\/[0-9a-f]{2}\/([0-9a-f]{16})[0-9a-f]{16}$/

/** Objects under packs/ that are not of the repository. */
export interface Leftovers {
  /** Of writers that have ended: swept before, or never published. */
  readonly ended: readonly StoredObject[]
  /** The log knows nothing of them: they may be of a history that is lost, and stay. */
  readonly unknown: readonly StoredObject[]
}

/**
 * @param listed what lay under packs/ before the log was read up to `state`: no pack is made before its writer's OPEN is durable,
 * so that the log knows the writer of each of them, as open or as ended
 * @param open ids of writers that may still publish what they made
 */
export async function findLeftovers(
  store: Store,
  ring: KeyRing,
  state: LogState,
  listed: readonly StoredObject[],
  open: ReadonlySet<string>,
): Promise<Leftovers> {
  const strangers = listed
    .map((object) => ({ object, match: packPattern.exec(object.name) }))
    .filter(({ object, match }) => match === null || !state.packsById.has(object.name.slice('packs/00/'.length)))
    .map(({ object, match }) => ({ object, writer: match?.[1] }))
    .filter(({ writer }) => writer === undefined || !open.has(writer))
  const wanted = new Set(strangers.map(({ writer }) => writer).filter((writer) => writer !== undefined))
  const known = await writersInLog(store, ring, state.head.n, wanted)
  const ofKnown = ({ writer }: { writer: string | undefined }): boolean => writer !== undefined && known.has(writer)
  return {
    ended: strangers.filter(ofKnown).map(({ object }) => object),
    unknown: strangers.filter((stranger) => !ofKnown(stranger)).map(({ object }) => object),
  }
}

/**
 * Name of a pack that a snapshot needs and that is not there, if there is one. Then what looks like a leftover may hold the only copy:
 * packs of a COMPACT, say, whose entry was lost.
 */
export async function missingPack(store: Store, state: LogState, listed: readonly StoredObject[]): Promise<string | undefined> {
  const sizes = new Map(listed.map(({ name, bytes }) => [name, bytes]))
  const used = new Set([...state.snapshots.values()].flatMap(({ packs }) => packs))
  for (const number of used) {
    const { id, bytes } = state.packs.get(number)!
    const name = packName(id)
    if (sizes.get(name) === bytes) continue
    // It may have been made since the list was.
    const end = await store.read(name, { offset: bytes - 1, length: 2 })
    if (end?.length !== 1) return name
  }
  return undefined
}

/**
 * Those of the wanted writers that have an OPEN in the log. The state forgets writers that ended, so the log itself is read,
 * from its head back as far as needed: mostly to the crash that a prune cleans up after.
 */
async function writersInLog(store: Store, ring: KeyRing, head: number, wanted: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>()
  for (let last = head; last > 0 && found.size < wanted.size; last -= entriesAtOnce) {
    const numbers = Array.from({ length: Math.min(entriesAtOnce, last) }, (_, index) => last - index)
    for (const writer of await mapLimit(numbers, entriesAtOnce, (n) => openedWriter(store, ring, n)))
      if (writer !== undefined && wanted.has(writer)) found.add(writer)
  }
  return found
}

async function openedWriter(store: Store, ring: KeyRing, n: number): Promise<string | undefined> {
  const bytes = await store.read(entryName(n))
  if (bytes === undefined || !ring.knows(entryEpoch(bytes) ?? 0)) return undefined
  const entry = openEntry(ring, n, bytes)
  return 'payload' in entry && entry.payload.kind === 'OPEN' ? Buffer.from(entry.payload.writer).toString('hex') : undefined
}
