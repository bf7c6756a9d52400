import type { Draft } from './draft.ts'
import { packNumber } from './pack-numbers.ts'
import type { NewPack } from './payload.ts'

/** Writer id, then the counter as a big-endian u64, in hex. */
export function packId(writer: Uint8Array, counter: number): string {
  return Buffer.from(writer).toString('hex') + counter.toString(16).padStart(16, '0')
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
