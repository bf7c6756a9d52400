import assert from 'node:assert/strict'
import { packName } from '../../src/packs/pack-name.ts'
import { openUnitFrame } from '../../src/packs/unit-frame.ts'
import { baseOf, decodePart, encodeChange } from '../../src/recipes/part.ts'
import type { Part } from '../../src/recipes/part.ts'
import { unitOverheadBytes } from '../../src/sealed-unit.ts'
import type { KnownRepository } from '../altered-repository.ts'
import type { Inside } from '../inside.ts'
import { isRangeError } from './decoder.ts'
import type { Decoder } from './decoder.ts'

export function partDecoder({ store }: KnownRepository, { ring, packs }: Inside): Decoder {
  const found = packs.flatMap(({ pack, directory }) =>
    directory.frames
      .filter(({ kind }) => kind.key === 'unit')
      .map(({ kind, offset, lengths }) => {
        const object = store.objects.get(packName(pack.id))!
        return openUnitFrame(ring, kind.epoch, object.subarray(offset, offset + lengths[0] + unitOverheadBytes))!
      }),
  )
  const full = found.find((bytes) => baseOf(bytes) === undefined)!
  const base = decodePart(full)
  const change = encodeChange(base, Buffer.alloc(16, 7), base.table.length, Uint32Array.of(0, 3, base.count - 1))
  return {
    name: 'recipe part',
    samples: [...found, change],
    isMsgpack: true,
    take(bytes) {
      demandSound(decodePart(bytes, baseOf(bytes) === undefined ? undefined : base))
    },
    isDocumented: isRangeError,
  }
}

/** What readers index without looking. */
function demandSound({ count, tags, packs, table, lengths }: Part): void {
  assert(tags.length === count * 16 && packs.length === count && (lengths === undefined || lengths.length === count))
  assert(packs.every((pack) => pack < table.length) || count === 0)
}
