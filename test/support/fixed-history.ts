import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { memoryPages, openBolt, walk, writeBolt, type NewItem } from '@kpipe/bolt'

/** A snapshot of a history that is the same on every machine. */
export interface FixedSnapshot {
  readonly title: string
  readonly bytes: Buffer
}

const fixtures = join(import.meta.dirname, '../fixtures/k8s-small')

/** Two snapshots recorded an hour apart, the second again, what a defragmentation makes of it, and that with a few changed values. */
export async function fixedHistory(): Promise<FixedSnapshot[]> {
  const [hour0, hour1] = [0, 1].map((hour) => zstdDecompressSync(readFileSync(join(fixtures, `hour-0${hour}.db.zst`)))) as [Buffer, Buffer]
  return [
    { title: 'first', bytes: hour0 },
    { title: 'an hour later', bytes: hour1 },
    { title: 'unchanged', bytes: hour1 },
    { title: 'defragmented', bytes: await rewritten(hour1, (value) => value) },
    { title: 'one value in 200 changed', bytes: await rewritten(hour1, (value, row) => (row % 200 === 0 ? withOtherEnd(value) : value)) },
  ]
}

/** The same items in a fresh database, with a snapshot's trailer. */
async function rewritten(snapshot: Buffer, change: (value: Uint8Array, row: number) => Uint8Array): Promise<Buffer> {
  const bolt = await openBolt(memoryPages(snapshot))
  let row = 0
  async function* items(): AsyncGenerator<NewItem> {
    for await (const item of walk(bolt)) {
      const isRow = item.path.length === 1 && Buffer.from(item.path[0]!).equals(Buffer.from('key'))
      yield isRow && item.value ? { ...item, value: change(item.value, row++) } : item
    }
  }
  const pieces: { readonly position: number; readonly bytes: Uint8Array }[] = []
  const { bytes } = await writeBolt(items(), 4096, async (position, piece) => void pieces.push({ position, bytes: new Uint8Array(piece) }))
  const database = Buffer.alloc(bytes)
  for (const { position, bytes: piece } of pieces) database.set(piece, position)
  return Buffer.concat([database, createHash('sha256').update(database).digest()])
}

/** Of the same length; etcd's numbers stand before it. */
function withOtherEnd(value: Uint8Array): Uint8Array {
  const changed = new Uint8Array(value)
  changed[changed.length - 1]! ^= 1
  return changed
}
