import { createHash } from 'node:crypto'
import type { Store } from '@kpipe/engine/contracts'
import { maxPackBytes } from '../bounds.ts'
import { magics } from '../format.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Entry, LostEntry } from '../log/entry.ts'
import { packId } from '../log/new-packs.ts'
import type { NewPack } from '../log/payload.ts'
import { packFooterBytes, packHeader } from '../packs/pack-builder.ts'
import { packName } from '../packs/pack-name.ts'
import { readBounded } from '../read-bounded.ts'

const namePattern = /^packs\/[0-9a-f]{2}\/([0-9a-f]{16})([0-9a-f]{16})$/

/** By writer in hex: ids of its packs in the store that no entry brings, in the order in which they were made. */
export function packsByWriter(entries: readonly (Entry | LostEntry)[], sizes: ReadonlyMap<string, number>): Map<string, string[]> {
  const named = new Set<string>()
  for (const entry of entries) {
    if (!('payload' in entry) || (entry.payload.kind !== 'SNAPSHOT' && entry.payload.kind !== 'COMPACT')) continue
    for (const [, counter] of entry.payload.packs) named.add(packName(packId(entry.payload.writer, counter)))
  }
  const unnamed = new Map<string, string[]>()
  for (const name of [...sizes.keys()].filter((listed) => !named.has(listed))) {
    const [, writer, counter] = namePattern.exec(name) ?? []
    if (writer === undefined) continue
    const ids = unnamed.get(writer) ?? []
    unnamed.set(writer, ids)
    ids.push(writer + counter)
  }
  return new Map([...unnamed].map(([writer, ids]) => [writer, ids.toSorted()]))
}

/** What an entry would say of a pack, from its own bytes; undefined when they are not those of a pack of this repository. */
export async function readNewPack(store: Store, ring: KeyRing, id: string): Promise<NewPack | undefined> {
  const bytes = await readBounded(store, packName(id), maxPackBytes)
  if (!(bytes instanceof Uint8Array) || bytes.length < packFooterBytes) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const footer = view.subarray(-packFooterBytes)
  const packClass = (['D', 'M'] as const).find((one) => view.subarray(0, 48).equals(packHeader(one, id, ring.repositoryId)))
  if (packClass === undefined || !magics.packEnd.equals(footer.subarray(8))) return undefined
  const counter = Number.parseInt(id.slice(16), 16)
  return [packClass, counter, view.length, footer.readUInt32LE(0), createHash('sha256').update(view).digest()]
}
