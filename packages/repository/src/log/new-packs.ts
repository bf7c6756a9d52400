import type { Draft } from './draft.ts'
import { packNumber } from './pack-numbers.ts'
import type { NewPack } from './payload.ts'

/** Writer id, then the counter as a big-endian u64, in hex. */
export function packId(writer: Uint8Array, counter: number): string {
  return Buffer.from(writer).toString('hex') + counter.toString(16).padStart(16, '0')
}

/** Whether none of these packs is known, and none comes twice. */
export function areNew({ packsById }: Draft, { writer, packs }: { writer: Uint8Array; packs: readonly NewPack[] }): boolean {
  const ids = new Set(packs.map(([, counter]) => packId(writer, counter)))
  return ids.size === packs.length && [...ids].every((id) => !packsById.has(id))
}

/** Makes the packs of entry n known; their numbers, ascending. */
export function addPacks(draft: Draft, n: number, { writer, packs }: { writer: Uint8Array; packs: readonly NewPack[] }): number[] {
  return packs.map(([packClass, counter, bytes, directoryBytes, sha256], place) => {
    const number = packNumber(n, place)
    const pack = { number, id: packId(writer, counter), class: packClass, bytes, directoryBytes, sha256 }
    draft.packs.set(number, pack)
    draft.packsById.set(pack.id, pack)
    return number
  })
}
