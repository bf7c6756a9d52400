import { createHash } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Facts, Store } from '@kpipe/engine/contracts'
import type { KeyRing } from './keys/key-ring.ts'
import type { DrillRecord, LogState, SnapshotRecord } from './log/state.ts'
import { decodeManifest } from './manifest.ts'
import { mapLimit } from './map-limit.ts'
import { placesOf } from './log/places.ts'
import { packName } from './packs/pack-name.ts'
import { readPackRange } from './packs/read-directory.ts'
import { openUnitFrame } from './packs/unit-frame.ts'
import type { ChainLink } from './recipes/chain.ts'
import { MovedUnits } from './recipes/moved-units.ts'
import { unitOverheadBytes } from './sealed-unit.ts'
import { snapshotOf } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'

const readsAtOnce = 8

/** The snapshots of a log state. A manifest is decoded when it is first asked for. */
export class SnapshotList {
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #onUnreadable: (sentence: string) => void
  readonly #doubtOf: (facts: Facts) => string | undefined
  readonly #decoded = new Map<string, Snapshot>()
  readonly #unreadable = new Map<string, KpipeError>()

  constructor(
    store: Store,
    ring: KeyRing,
    onUnreadable: (sentence: string) => void = () => undefined,
    doubtOf: (facts: Facts) => string | undefined = () => undefined,
  ) {
    this.#store = store
    this.#ring = ring
    this.#onUnreadable = onUnreadable
    this.#doubtOf = doubtOf
  }

  /** Why a manifest cannot be read, by the snapshot's id: its pack is missing or damaged, or a later kpipe has made it. They are in no list. */
  get unreadable(): ReadonlyMap<string, KpipeError> {
    return this.#unreadable
  }

  /** Reads those manifests that lie in packs. To be called after others have appended. */
  async load(state: LogState): Promise<void> {
    const isNew = ({ id, manifest }: SnapshotRecord): boolean =>
      !(manifest instanceof Uint8Array) && !this.#decoded.has(id) && !this.#unreadable.has(id)
    await mapLimit([...state.snapshots.values()].filter(isNew), readsAtOnce, async (record) => {
      try {
        this.#decoded.set(record.id, await this.#readLarge(state, record))
      } catch (error) {
        this.#noteUnreadable(record.id, error)
      }
    })
  }

  /** One that was just made, from its manifest's bytes. */
  add(id: string, manifest: Uint8Array): Snapshot {
    const snapshot = this.#decode(id, manifest)
    this.#decoded.set(id, snapshot)
    return snapshot
  }

  #decode(id: string, manifest: Uint8Array): Snapshot {
    const snapshot = snapshotOf(id, decodeManifest(manifest))
    const doubt = this.#doubtOf(snapshot.facts)
    return doubt === undefined ? snapshot : { ...snapshot, doubt }
  }

  /** In log order; those whose manifest lies in a pack only once they were loaded. */
  all(state: LogState): Snapshot[] {
    return [...state.snapshots.values()]
      .map((record) => withDrill(this.#of(record), record.drill))
      .filter((snapshot) => snapshot !== undefined)
  }

  #of({ id, manifest }: SnapshotRecord): Snapshot | undefined {
    const known = this.#decoded.get(id)
    if (known !== undefined || !(manifest instanceof Uint8Array) || this.#unreadable.has(id)) return known
    try {
      return this.add(id, manifest)
    } catch (error) {
      this.#noteUnreadable(id, error)
      return undefined
    }
  }

  /** One that cannot be read does not keep anybody from the others. */
  #noteUnreadable(id: string, error: unknown): void {
    if (!(error instanceof KpipeError)) throw error
    const isLater = error.code === 'KPIPE_FORMAT_UNSUPPORTED'
    if (!isLater && error.code !== 'KPIPE_DAMAGED' && error.code !== 'KPIPE_OBJECT_MISSING') throw error
    const { location } = this.#store
    const text = `snapshot ${id.slice(0, 12)} at ${location} has a manifest that this kpipe cannot read`
    const told = isLater ? new KpipeError(error.code, text, { snapshot: id }) : error
    this.#unreadable.set(id, told)
    this.#onUnreadable(told.message)
  }

  async #readLarge(state: LogState, { id, manifest }: SnapshotRecord): Promise<Snapshot> {
    const place = manifest as Exclude<SnapshotRecord['manifest'], Uint8Array>
    const forWhom = `snapshot ${id.slice(0, 12)}`
    for (const link of await this.#linksOf(state, id, place, forWhom)) {
      const bytes = await readPackRange(this.#store, link.pack, { offset: link.offset, length: link.storedBytes }, forWhom)
      const plain = openUnitFrame(this.#ring, link.epoch, bytes)
      if (plain !== undefined && createHash('sha256').update(plain).digest('hex') === id) return this.#decode(id, plain)
    }
    throw new KpipeError('KPIPE_DAMAGED', `the manifest of ${forWhom} at ${this.#store.location} does not open`, { snapshot: id })
  }

  /** Where the manifest may lie: where it was put, or in the pack that took over what lives of that one, at an unknown place. */
  async #linksOf(
    state: LogState,
    id: string,
    place: Exclude<SnapshotRecord['manifest'], Uint8Array>,
    forWhom: string,
  ): Promise<ChainLink[]> {
    const packs = placesOf(state, id).of(place.packId)
    if (packs[0]?.id === place.packId)
      return [{ pack: place.packId, offset: place.offset, storedBytes: place.stored_bytes, epoch: place.epoch }]
    const object = packName(place.packId)
    if (packs.length === 0)
      throw new KpipeError('KPIPE_OBJECT_MISSING', `${object} is not in the log any more; ${forWhom} needs it`, { object })
    const moved = new MovedUnits(this.#store, this.#ring, forWhom)
    return (await Promise.all(packs.map((pack) => moved.ofLength(pack, place.stored_bytes - unitOverheadBytes)))).flat()
  }
}

function withDrill(snapshot: Snapshot | undefined, drill: DrillRecord | undefined): Snapshot | undefined {
  return snapshot && drill ? { ...snapshot, drill: { ...drill, time: new Date(drill.time) } } : snapshot
}
