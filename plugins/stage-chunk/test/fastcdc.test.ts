import { createHash } from 'node:crypto'
import { test } from 'tap'
import { fastcdcEnds, fastcdcPlan, lastFastcdcCut } from '../src/fastcdc.ts'
import { gear } from '../src/gear.ts'

const usual = fastcdcPlan({ min: 16384, average: 65536, max: 262144 })
const tiny = fastcdcPlan({ min: 64, average: 256, max: 1024 })

/** The same bytes on every machine. */
function noise(bytes: number, name = 'noise'): Buffer {
  const blocks = Array.from({ length: Math.ceil(bytes / 64) }, (_, block) => createHash('sha512').update(`${name} ${block}`).digest())
  return Buffer.concat(blocks).subarray(0, bytes)
}

/** The algorithm of the paper, one byte at a time, in numbers without a sign. */
function plainly(bytes: Uint8Array, { min, average, max }: { readonly min: number; readonly average: number; readonly max: number }) {
  const ends: number[] = []
  for (let start = 0; start < bytes.length; start = ends.at(-1)!) {
    const last = Math.min(start + max, bytes.length)
    let hash = 0n
    let at = start + min
    for (; at < last; at++) {
      hash = BigInt.asUintN(32, (hash << 1n) + BigInt(gear[bytes[at]]))
      const bits = BigInt(Math.log2(average) + (at < start + average ? 2 : -2))
      if (hash >> (32n - bits) === 0n) break
    }
    ends.push(Math.min(at + 1, last))
  }
  return ends
}

test('cuts are those of the paper’s algorithm', async (t) => {
  const text = Buffer.from(Array.from({ length: 8000 }, (_, line) => `line ${line} of a text\n`).join(''))
  for (const bytes of [noise(200_000), text, Buffer.alloc(10_000), noise(65), noise(64), noise(1), noise(0)]) {
    t.same([...fastcdcEnds(bytes, tiny)], plainly(bytes, tiny))
  }
  t.same([...fastcdcEnds(noise(1_500_000), usual)], plainly(noise(1_500_000), usual))
})

test('the table and the cuts of known bytes never change', async (t) => {
  t.equal(
    createHash('sha256').update(new Uint8Array(gear.buffer)).digest('hex'),
    '6d716b6da5a95be582c760d296c8a71c1e9325943b66906bcce763c72d4abe09',
  )
  t.same(
    [...fastcdcEnds(noise(1_000_000), usual)],
    [75439, 146823, 219584, 265282, 345333, 403458, 472794, 582167, 654131, 741286, 816399, 854411, 924383, 1000000],
  )
})

test('lengths lie between the shortest and the longest, most about the average', async (t) => {
  const bytes = noise(16 << 20)
  const ends = [...fastcdcEnds(bytes, usual)]
  const lengths = ends.map((end, chunk) => end - (ends[chunk - 1] ?? 0)).slice(0, -1)
  t.ok(lengths.every((length) => length > usual.min && length <= usual.max))
  const mean = bytes.length / ends.length
  t.ok(mean > 60_000 && mean < 85_000, `${mean} bytes on average`)
  t.ok(lengths.filter((length) => length > 32_768 && length < 131_072).length > lengths.length * 0.8)
})

test('zeros are cut at the longest, so that they are all one chunk', async (t) => {
  t.same([...fastcdcEnds(new Uint8Array(1_000_000), usual)], [262_144, 524_288, 786_432, 1_000_000])
})

test('the last cut of some bytes is a cut of all, whatever follows', async (t) => {
  const bytes = noise(20_000)
  const whole = new Set(fastcdcEnds(bytes, tiny))
  const wrong: number[] = []
  for (let length = 1; length < bytes.length; length += 13) {
    const cut = lastFastcdcCut(bytes.subarray(0, length), tiny)
    const right = cut === 0 ? length <= tiny.max : whole.has(cut) && length - cut <= tiny.max
    if (!right) wrong.push(length)
  }
  t.same(wrong, [])
})
