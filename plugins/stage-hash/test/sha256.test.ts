import { createHash, randomBytes } from 'node:crypto'
import { test } from 'tap'
import { sha256Tagger } from '../src/sha256.ts'

const key = randomBytes(64)
const expected = (chunk: Uint8Array) => createHash('sha256').update(key).update(chunk).digest().subarray(0, 16)

function tagsOf(bytes: Uint8Array, ends: number[], out: Uint8Array = new Uint8Array(ends.length * 16)) {
  const tagger = sha256Tagger()
  tagger.tags(bytes, Uint32Array.from(ends), key, out)
  return out
}

test('a tag is the first half of SHA-256 of key and chunk', async (t) => {
  const bytes = randomBytes(4096 * 2 + 32)
  const tags = tagsOf(bytes, [4096, 8192, 8224])
  t.same(
    Buffer.from(tags),
    Buffer.concat([expected(bytes.subarray(0, 4096)), expected(bytes.subarray(4096, 8192)), expected(bytes.subarray(8192))]),
  )
})

test('chunks of any length have their own tag, also longer than any before', async (t) => {
  const bytes = randomBytes(300_000)
  const ends = [1, 2, 100, 70_000, 200_001, 300_000]
  const tags = tagsOf(bytes, ends)
  ends.forEach((end, i) => t.same(Buffer.from(tags.subarray(i * 16, i * 16 + 16)), expected(bytes.subarray(ends[i - 1] ?? 0, end))))
})

test('shared memory is read and written, at an offset too', async (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(5000)).subarray(8)
  shared.set(randomBytes(4000))
  const out = new Uint8Array(new SharedArrayBuffer(64)).subarray(16, 32)
  tagsOf(shared.subarray(0, 4000), [4000], out)
  t.same(Buffer.from(out), expected(Uint8Array.from(shared.subarray(0, 4000))))
  t.same([...new Uint8Array(out.buffer, 32)], Array(32).fill(0))
})

test('one tagger serves several keys', async (t) => {
  const tagger = sha256Tagger()
  t.equal(tagger.algorithm, 'sha256')
  const [one, other] = [new Uint8Array(16), new Uint8Array(16)]
  tagger.tags(Buffer.from('x'), Uint32Array.of(1), randomBytes(64), one)
  tagger.tags(Buffer.from('x'), Uint32Array.of(1), key, other)
  t.notSame(one, other)
  t.same(Buffer.from(other), expected(Buffer.from('x')))
})
