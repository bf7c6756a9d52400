import { test } from 'tap'
import { chooseMeta, findPageBytes, readMeta, withoutTrailer } from '../src/meta.ts'
import { buildDatabase } from './database.ts'
import { readDatabase } from './fixtures.ts'

test('the page size is that of the first meta page', async (t) => {
  t.equal(findPageBytes(readDatabase('snap-3.6.16.db').subarray(0, 80)), 4096)
  t.equal(findPageBytes(readDatabase('bolt-nested-16k.db.gz').subarray(0, 65_536)), 16_384)
  t.equal(findPageBytes(readDatabase('bolt-bigfreelist-1k.db.gz').subarray(0, 65_536)), 1024)
})

test('a damaged first meta page leaves the second to tell the page size', async (t) => {
  for (const pageBytes of [1024, 4096, 32_768]) {
    const { bytes } = buildDatabase({ items: [] }, { pageBytes })
    bytes[30] ^= 1
    t.equal(findPageBytes(bytes), pageBytes)
    bytes[pageBytes + 30] ^= 1
    t.equal(findPageBytes(bytes), undefined)
  }
})

test('anything else has no page size', async (t) => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(1), new Uint8Array(65_536), new Uint8Array(79).fill(0xed)])
    t.equal(findPageBytes(bytes), undefined)
})

test('a database of the other byte order is refused by name', async (t) => {
  const bytes = new Uint8Array(8192)
  bytes.set([0xed, 0x0c, 0xda, 0xed, 0, 0, 0, 2], 16)
  t.throws(() => findPageBytes(bytes), { name: 'BoltError', code: 'big-endian' })
})

test('a flipped bit anywhere in a meta page makes it invalid', async (t) => {
  const page = readDatabase('snap-3.6.16.db').slice(0, 80)
  t.ok(readMeta(page, 0, 0))
  for (let bit = 0; bit < 8 * 80; bit++) {
    const byte = bit >> 3
    // Count and overflow of a meta page mean nothing.
    if (byte >= 10 && byte < 16) continue
    page[byte] ^= 1 << (bit & 7)
    if (readMeta(page, 0, 0)) t.fail(`bit ${bit}`)
    page[byte] ^= 1 << (bit & 7)
  }
})

test('of two valid meta pages the one of the later transaction counts, in a snapshot whatever its parity', async (t) => {
  const bytes = readDatabase('snap-3.6.16.db')
  const metas = [readMeta(bytes, 0, 0), readMeta(bytes, 4096, 1)]
  t.equal(metas[0]!.txid, metas[1]!.txid + 1n)
  t.equal(chooseMeta(metas, 4096, bytes.length), metas[0])
  t.equal(chooseMeta(metas.toReversed(), 4096, bytes.length), metas[0])
  t.equal(chooseMeta([undefined, metas[1]], 4096, bytes.length), metas[1])
})

test('a trailer is known by the length alone', async (t) => {
  t.equal(withoutTrailer(73_760), 73_728)
  t.equal(withoutTrailer(73_728), 73_728)
  t.equal(withoutTrailer(73_729), 73_729)
})
