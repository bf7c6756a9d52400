import { test } from 'tap'
import { hashKey, keyHash } from '../src/key-hash.ts'
import { userKeys } from '../src/user-keys.ts'

function hashOf(key: string, seed = 1): [number, number] {
  const bytes = Uint8Array.from(Buffer.from(key))
  hashKey(new DataView(bytes.buffer), 0, bytes.length, seed)
  return [keyHash.low, keyHash.high]
}

test('a key keeps its number while others come, whatever the lowest bit', async (t) => {
  const keys = userKeys()
  const names = Array.from({ length: 20_000 }, (_, i) => `/registry/pods/default/pod-${i}`)
  for (const [i, name] of names.entries()) {
    const [low, high] = hashOf(name)
    if (keys.number(low, high) !== i) t.fail(name)
  }
  for (const [i, name] of names.entries()) {
    const [low, high] = hashOf(name)
    if (keys.number((low ^ 1) >>> 0, high) !== i) t.fail(name)
  }
  t.equal(keys.count, names.length)
})

test('rows are numbered by the thousand as one by one, over any number of calls', async (t) => {
  const [together, single] = [userKeys(), userKeys()]
  let next = 7
  for (const count of [0, 1, 5000, 100_000, 3, 30_000]) {
    const rows = new Uint32Array(2 * count)
    for (let row = 0; row < count; row++) {
      next = Math.imul(next, 0x9e3779b1) >>> 0
      // Every third key came before, and half of the rows are tombstones.
      const key = row % 3 === 0 ? row : next
      rows.set([(Math.imul(key, 0x85ebca6b) ^ (row & 1)) >>> 0, Math.imul(key, 0xc2b2ae35) >>> 0], 2 * row)
    }
    const expected = Uint32Array.from(rows.subarray(0, count), (_, row) => {
      return (single.number(rows[2 * row]!, rows[2 * row + 1]!) << 1) | (rows[2 * row]! & 1)
    })
    t.same(together.numbers(rows, new Uint32Array(count)), expected, `${count} rows`)
    t.equal(together.count, single.count)
  }
  t.ok(together.count > 60_000)
})

test('keys that share half of their hash are two', async (t) => {
  const keys = userKeys()
  t.same(
    [
      keys.number(2, 9),
      keys.number(4, 9),
      keys.number(2, 9 + 4096),
      keys.number(2, 9),
      keys.number(0, 0),
      keys.number(0xfffffffe, 0xffffffff),
    ],
    [0, 1, 2, 0, 3, 4],
  )
})

test('hashes differ by every byte, by length and by seed', async (t) => {
  const seen = new Set<string>()
  const keys = [
    '',
    '\0',
    '\0\0',
    '\0\0\0\0',
    '\0\0\0\0\0',
    ...Array.from({ length: 256 }, (_, i) => `abc${String.fromCharCode(i & 127)}${i >> 7}`),
  ]
  for (const key of keys) for (const seed of [0, 1, 0xffffffff]) seen.add(hashOf(key, seed).join())
  t.equal(seen.size, 3 * keys.length)
  // A change that a lane of plain multiplications would lose: the top bits of two words.
  const pairs = [
    [0x80, 0, 0, 0, 0, 0, 0, 0x80],
    [0, 0, 0, 0x80, 0, 0, 0, 0x80],
    [0, 0, 0, 0, 0, 0, 0, 0],
  ]
  t.equal(new Set(pairs.map((bytes) => hashOf(Buffer.from(bytes).toString('latin1')).join())).size, 3)
})
