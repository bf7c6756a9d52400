import type { StreamMemory } from '@kpipe/engine/contracts'
import type { MemoryPlace } from './memory-place.ts'
import type { RecordReader } from './record-reader.ts'
import { RecordWriter } from './record-writer.ts'
import { removeAged } from './remove-aged.ts'

/** What is remembered of a backup's parent, and what will be of the backup. */
export class KeptMemory implements StreamMemory {
  readonly #place: MemoryPlace
  readonly #reader: RecordReader | undefined
  readonly #writer: RecordWriter

  constructor(place: MemoryPlace, reader: RecordReader | undefined) {
    this.#place = place
    this.#reader = reader
    this.#writer = new RecordWriter(place)
  }

  async recall(segment: number): Promise<Uint8Array | undefined> {
    return this.#reader?.recall(segment)
  }

  remember(record: Uint8Array): void {
    this.#writer.add(record)
  }

  /** Replaces what was remembered, unless it could not all be written. Never rejects. @param snapshotId what the backup has become, in hex */
  async finish(snapshotId: string): Promise<void> {
    await Promise.all([this.#reader?.close(), this.#writer.finish(snapshotId)])
    await removeAged(this.#place)
  }

  /** Leaves what was remembered before. Never rejects; after `finish` it waits for that. */
  async discard(): Promise<void> {
    await Promise.all([this.#reader?.close(), this.#writer.discard()])
  }
}

/**
 * Takes `records` over, and what is in them only when they are of the very parent. Undefined where nothing is kept.
 * @param parentId hex
 */
export async function keptMemory(
  place: MemoryPlace | undefined,
  records: Promise<RecordReader | undefined>,
  parentId: string | undefined,
): Promise<KeptMemory | undefined> {
  const reader = await records
  if (place !== undefined && parentId !== undefined && reader?.isOf(parentId, place) === true) return new KeptMemory(place, reader)
  await reader?.close()
  return place && new KeptMemory(place, undefined)
}
