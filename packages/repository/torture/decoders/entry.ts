import assert from 'node:assert/strict'
import { headerStart, magics, u32 } from '../../src/format.ts'
import { entryName, openEntry } from '../../src/log/entry.ts'
import { fold } from '../../src/log/fold.ts'
import { placesOf } from '../../src/log/places.ts'
import { encode } from '../../src/msgpack.ts'
import { sealUnit } from '../../src/sealed-unit.ts'
import type { KnownRepository } from '../altered-repository.ts'
import type { Inside } from '../inside.ts'
import type { Decoder } from './decoder.ts'

/** What a holder of the keys may append: it is opened and folded. */
export function entryDecoder({ store }: KnownRepository, { ring, state }: Inside): Decoder {
  const n = state.head.n + 1
  const start = Buffer.alloc(12)
  start.writeBigUInt64LE(BigInt(n))
  start.writeUInt32LE(state.epoch, 8)
  const header = Buffer.concat([headerStart(magics.entry), start, ring.repositoryId, state.head.digest])
  const samples = Array.from({ length: n }, (_, at) => {
    const entry = openEntry(ring, at, store.objects.get(entryName(at))!)
    assert('payload' in entry)
    return encode(entry.payload)
  })
  return {
    name: 'log entry',
    samples,
    isMsgpack: true,
    finish: (body) => Buffer.concat([header, sealUnit(ring.workingKey(state.epoch, 'log'), header, [u32(body.length), body])]),
    take(bytes) {
      const entry = openEntry(ring, n, bytes)
      const after = fold(state, [entry])
      for (const { id, packs } of after.snapshots.values()) placesOf(after, id).of(after.packs.get(packs[0])?.id ?? '')
    },
    isDocumented: () => false,
  }
}
