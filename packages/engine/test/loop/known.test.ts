import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { KnownChunks } from '@kpipe/engine/contracts'
import { knownByPosition, knownByTag, notKnown, tagPlaces } from '../../src/loop/known.ts'

function knownOf(tags: Uint8Array): KnownChunks {
  const shared = new SharedArrayBuffer(tags.length)
  new Uint8Array(shared).set(tags)
  return { plan: 'content', count: tags.length / 16, tags: shared }
}

t.test('a tag is found wherever the parent has it', async (t) => {
  for (const count of [1, 2, 3, 255, 256, 10_000]) {
    const tags = new Uint8Array(randomBytes(count * 16))
    const known = knownOf(tags)
    const found = knownByTag(tags, known, tagPlaces(known))
    t.same(
      [...found],
      Array.from({ length: count }, (_, index) => index),
      `${count} tags`,
    )
    t.equal(
      knownByTag(new Uint8Array(randomBytes(1600)), known, tagPlaces(known)).every((chunk) => chunk === notKnown),
      true,
    )
  }
})

t.test('tags that begin alike are told apart', async (t) => {
  const tags = new Uint8Array(16 * 300)
  for (let chunk = 0; chunk < 300; chunk++) new DataView(tags.buffer).setUint32(chunk * 16 + 12, chunk + 1)
  const known = knownOf(tags)
  t.same([...knownByTag(tags.slice(16 * 290), known, tagPlaces(known))], [290, 291, 292, 293, 294, 295, 296, 297, 298, 299])
})

t.test('a lost chunk of the parent is not found', async (t) => {
  const known = knownOf(new Uint8Array(32))
  t.same([...knownByTag(new Uint8Array(16), known, tagPlaces(known))], [notKnown])
})

t.test('a parent without chunks, and no parent, know nothing', async (t) => {
  const tags = new Uint8Array(randomBytes(32))
  const empty = knownOf(new Uint8Array(0))
  t.same([...knownByTag(tags, empty, tagPlaces(empty))], [notKnown, notKnown])
  t.same([...knownByTag(tags, undefined, undefined)], [notKnown, notKnown])
})

t.test('by position a tag is compared with the parent’s at the same place alone', async (t) => {
  const tags = new Uint8Array(randomBytes(64))
  const known = knownOf(tags)
  t.same([...knownByPosition(tags.slice(16, 48), known, 1)], [1, 2])
  t.same([...knownByPosition(tags.slice(16, 48), known, 0)], [notKnown, notKnown])
  t.same([...knownByPosition(tags.slice(32), known, 3)], [notKnown, notKnown])
})
