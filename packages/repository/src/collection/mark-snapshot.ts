import { createHash } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import { placesOf } from '../log/places.ts'
import type { Places } from '../log/places.ts'
import type { PackRecord, SnapshotRecord } from '../log/state.ts'
import { readPackRange } from '../packs/read-directory.ts'
import { openUnitFrame, unitTag } from '../packs/unit-frame.ts'
import { unitOverheadBytes } from '../sealed-unit.ts'
import { nameOf } from '../snapshot.ts'
import type { Snapshot } from '../snapshot.ts'
import { markLive, storedBytesOf } from './open-pack.ts'
import type { OpenPack } from './open-pack.ts'
import type { RecipeMarks } from './recipe-marks.ts'

/**
 * Marks all that a snapshot needs in the packs that are open. Resolves with the plain bytes of the frames that hold its chunks.
 * @param line when it is the newest of its name and member, else 0
 * @param untouchable packs are added that lack something which a recipe says they have
 * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED when its recipe cannot be read
 */
export async function markSnapshot(marks: RecipeMarks, snapshot: Snapshot, line: number, untouchable: Set<number>): Promise<number> {
  const { state } = marks.context
  const places = placesOf(state, snapshot.id)
  let bytes = 0
  for (const stream of snapshot.manifest.streams) {
    const parts = await marks.reader.read(snapshot, stream, places)
    for (const { units } of parts) for (const { tag, pack } of units) markUnit(marks, snapshot, places.of(pack), tag, untouchable)
    bytes += marks.mark(parts, places, line, ({ packs, open }, named) => {
      // Some of its packs are not open: it may be in one of those.
      if (packs.length > open.length) return
      // It is lost: where it was may be the place where it comes back.
      for (const pack of [...packs, ...places.of(named)]) untouchable.add(pack.number)
    })
  }
  await markManifest(marks, state.snapshots.get(snapshot.id)!, snapshot, places)
  return bytes
}

function markUnit(
  { context: { open } }: RecipeMarks,
  snapshot: Snapshot,
  packs: readonly PackRecord[],
  tag: Uint8Array,
  untouchable: Set<number>,
): void {
  const opened = packs.map(({ number }) => open.get(number))
  if (opened.some((pack) => pack !== undefined && markLive(pack, tag, 0) !== undefined)) return
  if (packs.length === 0) throw new KpipeError('KPIPE_OBJECT_MISSING', `a recipe part that ${nameOf(snapshot)} needs is lost`)
  if (!opened.includes(undefined)) for (const { number } of packs) untouchable.add(number)
}

/** A manifest that lies in a pack has a tag that nobody notes: it is read for it. */
async function markManifest({ context }: RecipeMarks, { id, manifest }: SnapshotRecord, snapshot: Snapshot, places: Places): Promise<void> {
  if (manifest instanceof Uint8Array) return
  const { store, ring, open } = context
  for (const pack of places.of(manifest.packId).map(({ number }) => open.get(number))) {
    for (const unit of unitsOfLength(pack, manifest.stored_bytes)) {
      const bytes = await readPackRange(store, pack!.pack.id, { offset: unit.offset, length: manifest.stored_bytes }, nameOf(snapshot))
      const plain = openUnitFrame(ring, unit.kind.epoch, bytes)
      if (plain !== undefined && createHash('sha256').update(plain).digest('hex') === id) markLive(pack!, unitTag(ring, plain), 0)
    }
  }
}

function unitsOfLength(pack: OpenPack | undefined, storedBytes: number): OpenPack['directory']['frames'] {
  if (pack === undefined || storedBytes < unitOverheadBytes) return []
  return pack.directory.frames.filter((frame) => storedBytesOf(frame) === storedBytes)
}
