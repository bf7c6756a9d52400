import { randomBytes } from 'node:crypto'
import t from 'tap'
import { pagePrints, printBytes, printKeyFor } from '../../src/workers/page-prints.ts'

const tagKey = new Uint8Array(64).fill(3)
const pageBytes = 4096

/** NH as RFC 4418 has it, pass by pass, without its length and its padding. */
function printOf(page: Uint8Array, key: SharedArrayBuffer): Buffer {
  const [words, keys] = [new DataView(page.buffer, page.byteOffset, page.length), new DataView(key)]
  const print = Buffer.alloc(printBytes)
  for (let pass = 0; pass < 4; pass++) {
    let sum = 0n
    for (let at = 0; at < page.length; at += 4) {
      if (at % 32 >= 16) continue
      const of = (place: number) => BigInt((words.getUint32(place, true) + keys.getUint32(place + 16 * pass, true)) >>> 0)
      sum += of(at) * of(at + 16)
    }
    print.writeBigUInt64LE(BigInt.asUintN(64, sum), 8 * pass)
  }
  return print
}

t.test('prints are those of NH in four passes, for pages of any length', async (t) => {
  for (const length of [32, 512, 4096, 16_384, 65_536]) {
    const bytes = randomBytes(3 * length)
    const key = printKeyFor(tagKey, length)!
    const { prints } = pagePrints(bytes, key, undefined)!
    const expected = [0, 1, 2].map((page) => printOf(bytes.subarray(page * length, (page + 1) * length), key))
    t.same(Buffer.from(prints), Buffer.concat(expected), `pages of ${length} bytes`)
  }
})

t.test('a page is the same as before when every bit of it is', async (t) => {
  const key = printKeyFor(tagKey, pageBytes)!
  const bytes = new Uint8Array(new SharedArrayBuffer(8 * pageBytes))
  bytes.set(randomBytes(bytes.length))
  const { prints, same } = pagePrints(bytes, key, undefined)!
  t.same([...same], [0, 0, 0, 0, 0, 0, 0, 0], 'nothing is the same as nothing')
  t.same([...pagePrints(bytes, key, prints)!.same], [1, 1, 1, 1, 1, 1, 1, 1])
  let noticed = 0
  for (let bit = 0; bit < 8 * pageBytes; bit++) {
    const at = 5 * pageBytes + (bit >> 3)
    bytes[at]! ^= 1 << (bit & 7)
    const found = pagePrints(bytes, key, prints)!.same
    if (found[5] === 0 && found.reduce((sum, one) => sum + one) === 7) noticed++
    bytes[at]! ^= 1 << (bit & 7)
  }
  t.equal(noticed, 8 * pageBytes)
})

t.test('pieces that change places within a page change its print', async (t) => {
  const key = printKeyFor(tagKey, pageBytes)!
  const page = randomBytes(pageBytes)
  const prints = new Set<string>()
  for (const piece of [4, 8, 16, 32, 64]) {
    for (let at = 0; at + 2 * piece <= pageBytes; at += piece) {
      const swapped = Buffer.from(page)
      page.copy(swapped, at, at + piece, at + 2 * piece)
      page.copy(swapped, at + piece, at, at + piece)
      prints.add(Buffer.from(pagePrints(swapped, key, undefined)!.prints).toString('hex'))
    }
  }
  t.equal(
    prints.size,
    [4, 8, 16, 32, 64].reduce((sum, piece) => sum + pageBytes / piece - 1, 0),
  )
})

t.test('the key goes by the tag key and the length of a page', async (t) => {
  const keyOf = (...wanted: Parameters<typeof printKeyFor>) => Buffer.from(printKeyFor(...wanted)!).toString('hex')
  const key = keyOf(tagKey, pageBytes)
  t.equal(key.length, 2 * (pageBytes + 48))
  t.equal(keyOf(tagKey, pageBytes), key)
  t.not(keyOf(new Uint8Array(64), pageBytes), key)
  t.equal(printKeyFor(tagKey, 0), undefined, 'no pages')
  t.equal(printKeyFor(tagKey, 4100), undefined, 'pages of no whole number of steps')
})

t.test('a rest behind the last page, earlier prints of another number, a segment that is too long', async (t) => {
  const key = printKeyFor(tagKey, pageBytes)!
  const bytes = randomBytes(3 * pageBytes + 32)
  const { prints, same } = pagePrints(bytes, key, undefined)!
  t.equal(prints.length, 3 * printBytes)
  t.equal(same.length, 3)
  t.same([...pagePrints(bytes, key, prints.subarray(printBytes))!.same], [0, 0, 0])
  t.same([...pagePrints(bytes.subarray(0, 100), key, prints)!.same], [])
  t.equal(pagePrints(new Uint8Array((16 << 20) + 1), key, undefined), undefined)
})
