import { readdirSync } from 'node:fs'
import { keyRing } from '../src/keys/key-ring.ts'
import type { KeyRing } from '../src/keys/key-ring.ts'
import { systemFiles } from '../src/stream-memory/files.ts'
import type { Files, OpenFile } from '../src/stream-memory/files.ts'
import { KeptMemory, keptMemory } from '../src/stream-memory/kept-memory.ts'
import { memoryPlace } from '../src/stream-memory/memory-place.ts'
import type { MemoryPlace } from '../src/stream-memory/memory-place.ts'
import { openRecords } from '../src/stream-memory/record-reader.ts'
import { dice, noise } from './made-repository.ts'

// What a host keeps of a stream, without a repository around it.

export const stream = { name: 'prod', member: 'm1', chunking: 'page/4096', pageBytes: 4096 }
export const parentId = 'ab'.repeat(32)

export function ringOf(repository = 1): KeyRing {
  const roots = (epoch: number) => ({ m: Buffer.alloc(32, 10 + epoch), d: Buffer.alloc(32, 20 + epoch), tagKey: Buffer.alloc(64, 3) })
  return keyRing(
    Buffer.alloc(16, repository),
    [1, 2].map((epoch) => ({ epoch, ...roots(epoch) })),
  )
}

export interface PlaceOptions {
  readonly stream?: Partial<typeof stream>
  readonly ring?: KeyRing
  readonly epoch?: number
  readonly files?: Files
  readonly warn?: (message: string) => void
}

export function placeIn(stateFolder: string, { stream: other, ring = ringOf(), epoch = 1, files, warn }: PlaceOptions = {}): MemoryPlace {
  const place = memoryPlace({ stateFolder, ring, warn: warn ?? (() => undefined) }, { ...stream, ...other }, epoch)!
  return files === undefined ? place : { ...place, files }
}

/** Records of lengths up to 54 KB and one of 3 MB, of no byte, and of one; no two are equal. */
export function variedRecords(count: number, seed: string): Buffer[] {
  const random = dice(count)
  const special = new Map([
    [0, 0],
    [3, 1],
    [40, 3_000_000],
  ])
  return Array.from({ length: count }, (_, at) => noise(special.get(at) ?? 1000 + Math.floor(random() * 53_000), `${seed} ${at}`))
}

/** Not quicker than the disk takes them. */
export async function remember(place: MemoryPlace, records: readonly Uint8Array[], snapshotId = parentId): Promise<void> {
  const waiting = { bytes: 0 }
  const files = watchedFiles((file) => ({
    async write(bytes, offset) {
      const written = await file.write(bytes, offset)
      waiting.bytes -= written.bytesWritten
      return written
    },
  }))
  const memory = new KeptMemory({ ...place, files }, undefined)
  for (const record of records) {
    waiting.bytes += record.length
    memory.remember(record)
    while (waiting.bytes > 5 * 2 ** 20) await new Promise(setImmediate)
  }
  await memory.finish(snapshotId)
}

/** What a backup with that parent gets for each of the segments; ends it. */
export async function recallAll(
  place: MemoryPlace,
  count: number,
  parent: string | undefined = parentId,
): Promise<(Uint8Array | undefined)[]> {
  const memory = await keptMemory(place, openRecords(place), parent)
  const recalled: (Uint8Array | undefined)[] = []
  for (let segment = 0; segment < count; segment++) recalled.push(await memory!.recall(segment))
  await memory!.discard()
  return recalled
}

export function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0
}

export function kept(place: MemoryPlace): string[] {
  return readdirSync(place.folder).toSorted()
}

/** The system's files, with what `change` puts in the way of each one that is opened; counts those that are not closed. */
export function watchedFiles(change: (file: OpenFile, path: string) => Partial<OpenFile> = () => ({})): Files & { left(): number } {
  let left = 0
  return {
    ...systemFiles,
    left: () => left,
    async open(path, flags, mode) {
      const file = await systemFiles.open(path, flags, mode)
      left += 1
      return {
        read: (into, offset, length, position) => file.read(into, offset, length, position),
        write: (bytes, offset) => file.write(bytes, offset),
        stat: () => file.stat(),
        ...change(file, path),
        async close() {
          await file.close()
          left -= 1
        },
      }
    },
  }
}
