import { isPlace } from '../log/payload-shape.ts'
import type { LogState, SnapshotRecord } from '../log/state.ts'
import { isMap, isText } from '../shape.ts'
import { VarintReader } from '../varint.ts'
import { column, demand, readVarints, slicedHex, varints } from './columns.ts'
import { decodeDrills, encodeDrills } from './drill-columns.ts'
import type { StoredDrills } from './drill-columns.ts'

const idBytes = 32

/** All snapshots that are not forgotten, in log order. */
export interface StoredSnapshots {
  /** 32 bytes each. */
  readonly ids: Uint8Array
  /** Varint columns, one number a snapshot: its entry, less the one before; length of its manifest, 0 when that lies in a pack. */
  readonly entries: Uint8Array
  readonly manifest_bytes: Uint8Array
  /** One after the other. */
  readonly manifests: Uint8Array
  /** Places of those that lie in packs, in order. */
  readonly large: readonly unknown[]
  /** Varint columns: packs a snapshot; then which, by place in the column of all packs: the first as it is, others less the one before. */
  readonly pack_counts: Uint8Array
  readonly packs: Uint8Array
  readonly drills: StoredDrills
}

export function encodeSnapshots({ snapshots, packs }: LogState): StoredSnapshots {
  const list = [...snapshots.values()]
  const inline = list.map(({ manifest }) => (manifest instanceof Uint8Array ? manifest : new Uint8Array(0)))
  const numbers = [...packs.keys()].toSorted((one, other) => one - other)
  const placeOf = new Map(numbers.map((number, place) => [number, place]))
  return {
    ids: Buffer.from(list.map(({ id }) => id).join(''), 'hex'),
    entries: varints(list.map(({ entry }, at) => entry - (at === 0 ? 0 : list[at - 1].entry))),
    manifest_bytes: varints(inline.map(({ length }) => length)),
    manifests: Buffer.concat(inline),
    large: list.map(({ manifest }) => manifest).filter((manifest) => !(manifest instanceof Uint8Array)),
    pack_counts: varints(list.map((snapshot) => snapshot.packs.length)),
    packs: varints(list.flatMap((snapshot) => differences(snapshot.packs.map((number) => placeOf.get(number)!)))),
    drills: encodeDrills(list),
  }
}

/** @param numbers of all packs, ascending. @throws RangeError */
export function decodeSnapshots(stored: StoredSnapshots, numbers: readonly number[]): Map<string, SnapshotRecord> {
  const ids = slicedHex(stored.ids, idBytes)
  const steps = readVarints(stored.entries, ids.length)
  const lengths = readVarints(stored.manifest_bytes, ids.length)
  const counts = readVarints(stored.pack_counts, ids.length)
  const manifests = column(stored.manifests)
  demand(isMap(stored.drills), 'it has no drills')
  const drills = decodeDrills(stored.drills)
  const { large } = stored
  demand(Array.isArray(large) && large.every((place) => isPlace(place) && isText(place.packId)), 'a manifest has no place')
  const useBytes = column(stored.packs)
  const uses = new VarintReader(useBytes)
  const snapshots = new Map<string, SnapshotRecord>()
  let [entry, offset, next] = [0, 0, 0]
  for (const [at, id] of ids.entries()) {
    entry += steps[at]
    const manifest = lengths[at] === 0 ? large[next++] : manifests.subarray(offset, (offset += lengths[at]))
    demand(manifest !== undefined && offset <= manifests.length, 'a manifest is missing')
    demand(counts[at] <= useBytes.length, 'a column of snapshots has another length')
    let place = 0
    const packs = Array.from({ length: counts[at] }, () => numbers[(place += uses.next())])
    demand(packs.at(-1) !== undefined || packs.length === 0, 'a snapshot uses a pack that is not there')
    const drill = drills.get(at)
    const record = { id, entry, manifest: manifest as SnapshotRecord['manifest'], packs }
    snapshots.set(id, drill === undefined ? record : { ...record, drill })
  }
  demand(uses.done && offset === manifests.length && next === large.length, 'a column of snapshots has another length')
  return snapshots
}

function differences(ascending: readonly number[]): number[] {
  return ascending.map((place, at) => place - (at === 0 ? 0 : ascending[at - 1]))
}
