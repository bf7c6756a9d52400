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

/** The snapshots of a log state. A manifest is decoded when it is first asked for. */
export class SnapshotList {
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #decoded = new Map<string, Snapshot>()

  constructor(store: Store, ring: KeyRing) {
    this.#store = store
    this.#ring = ring
  }

  /** Reads those manifests that lie in packs. Must be called after the state has changed. @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED */
  async load(state: LogState): Promise<void> {
    const large = [...state.snapshots.values()].filter(
      (record) => !(record.manifest instanceof Uint8Array) && !this.#decoded.has(record.id),
    )
    await mapLimit(large, 8, async (record) => this.#decoded.set(record.id, await this.#readLarge(record)))
  }

  /** In log order. */
  all(state: LogState): Snapshot[] {
    return [...state.snapshots.values()].map((record) => this.of(record))
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
