import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from './keys/key-ring.ts'
import type { LogState, SnapshotRecord } from './log/state.ts'
import { decodeManifest } from './manifest.ts'
import { mapLimit } from './map-limit.ts'
import { readPackRange } from './packs/read-directory.ts'
import { openUnitFrame } from './packs/unit-frame.ts'
import { snapshotOf } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'

const readsAtOnce = 8

/** The snapshots of a log state. A manifest is decoded when it is first asked for. */
export class SnapshotList {
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #decoded = new Map<string, Snapshot>()
  readonly #unreadable = new Map<string, string>()

  constructor(store: Store, ring: KeyRing) {
    this.#store = store
    this.#ring = ring
  }

  /** Snapshots whose manifest lies in a pack that is missing or damaged, by id: a sentence each. They are in no list. */
  get unreadable(): ReadonlyMap<string, string> {
    return this.#unreadable
  }

  /** Reads those manifests that lie in packs. To be called after others have appended. */
  async load(state: LogState): Promise<void> {
    const isNew = ({ id, manifest }: SnapshotRecord): boolean =>
      !(manifest instanceof Uint8Array) && !this.#decoded.has(id) && !this.#unreadable.has(id)
    await mapLimit([...state.snapshots.values()].filter(isNew), readsAtOnce, async (record) => {
      try {
        this.#decoded.set(record.id, await this.#readLarge(record))
      } catch (error) {
        if (!(error instanceof KpipeError) || (error.code !== 'KPIPE_DAMAGED' && error.code !== 'KPIPE_OBJECT_MISSING')) throw error
        this.#unreadable.set(record.id, error.message)
      }
    })
  }

  /** One that was just made, from its manifest's bytes. */
  add(id: string, manifest: Uint8Array): Snapshot {
    const snapshot = snapshotOf(id, decodeManifest(manifest))
    this.#decoded.set(id, snapshot)
    return snapshot
  }

  /** In log order; those whose manifest lies in a pack only once they were loaded. */
  all(state: LogState): Snapshot[] {
    return [...state.snapshots.values()]
      .filter(({ id, manifest }) => manifest instanceof Uint8Array || this.#decoded.has(id))
      .map((record) => this.of(record))
  }

  of(record: SnapshotRecord): Snapshot {
    let snapshot = this.#decoded.get(record.id)
    if (snapshot === undefined) {
      snapshot = snapshotOf(record.id, decodeManifest(record.manifest as Uint8Array))
      this.#decoded.set(record.id, snapshot)
    }
    return snapshot
  }

  async #readLarge({ id, manifest }: SnapshotRecord): Promise<Snapshot> {
    const place = manifest as Exclude<SnapshotRecord['manifest'], Uint8Array>
    const forWhom = `snapshot ${id.slice(0, 12)}`
    const bytes = await readPackRange(this.#store, place.packId, { offset: place.offset, length: place.stored_bytes }, forWhom)
    const plain = openUnitFrame(this.#ring, place.epoch, bytes)
    if (plain === undefined)
      throw new KpipeError('KPIPE_DAMAGED', `the manifest of ${forWhom} at ${this.#store.location} does not open`, { snapshot: id })
    return snapshotOf(id, decodeManifest(plain))
  }
}
