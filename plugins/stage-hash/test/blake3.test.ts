import { test } from 'tap'
import { blake3Tagger } from '../src/blake3.ts'

// Inputs, key and results of the BLAKE3 team's test_vectors.json (`keyed_hash`, first 16 bytes).
const key = Buffer.from('whats the Elvish word for friend')
const input = (bytes: number) => Uint8Array.from({ length: bytes }, (_, at) => at % 251)
const vectors: [number, string][] = [
  [1, '6d7878dfff2f485635d39013278ae14f'],
  [1024, '75c46f6f3d9eb4f55ecaaee480db732e'],
]

/** Longer than the hash's key, as a tag key is. */
const tagKey = Buffer.concat([key, Buffer.alloc(32, 7)])

test('a tag is the first half of keyed BLAKE3, with the first half of the key', async (t) => {
  const tagger = await blake3Tagger()
  for (const [bytes, expected] of vectors) {
    const tag = new Uint8Array(16)
    tagger.tags(input(bytes), Uint32Array.of(bytes), tagKey, tag)
    t.equal(Buffer.from(tag).toString('hex'), expected)
  }
})

test('chunks of one call have the tags that they have alone', async (t) => {
  const tagger = await blake3Tagger()
  const bytes = Buffer.concat(vectors.map(([length]) => input(length)))
  const tags = new Uint8Array(32)
  tagger.tags(bytes, Uint32Array.of(1, 1025), tagKey, tags)
  t.equal(Buffer.from(tags).toString('hex'), vectors.map(([, expected]) => expected).join(''))
})

test('one tagger serves several keys', async (t) => {
  const tagger = await blake3Tagger()
  const [one, other, again] = [new Uint8Array(16), new Uint8Array(16), new Uint8Array(16)]
  tagger.tags(input(1), Uint32Array.of(1), tagKey, one)
  tagger.tags(input(1), Uint32Array.of(1), Buffer.alloc(64), other)
  tagger.tags(input(1), Uint32Array.of(1), tagKey, again)
  t.notSame(one, other)
  t.same(one, again)
})
