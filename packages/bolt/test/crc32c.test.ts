import { test } from 'tap'
import { combineCrc32c, crc32c } from '../src/crc32c.ts'

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
const sample = Uint8Array.from({ length: 70_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24)

test('the check value of CRC-32C comes out', async (t) => {
  t.equal(crc32c(view(new TextEncoder().encode('123456789')), 0, 9), 0xe3069283)
  t.equal(crc32c(view(new Uint8Array(0)), 0, 0), 0)
  t.equal(crc32c(view(new Uint8Array(32)), 0, 32), 0x8a9136aa)
})

test('the crc of two parts combines to that of the whole, for every length of both', async (t) => {
  for (const [start, middle, end] of [
    [0, 0, 0],
    [0, 0, 1],
    [0, 1, 1],
    [3, 4, 21],
    [5, 21, 4096],
    [1, 4096, 8191],
    [0, 65_535, 70_000],
    [9, 10, 66_000],
  ]) {
    const whole = crc32c(view(sample), start, end)
    t.equal(
      combineCrc32c(crc32c(view(sample), start, middle), crc32c(view(sample), middle, end), end - middle),
      whole,
      `${start} ${middle} ${end}`,
    )
  }
})

test('any alignment and length gives what one byte after the other gives', async (t) => {
  for (let start = 0; start < 18; start++) {
    for (let length = 0; length < 40; length++) {
      let crc = 0
      for (let at = start; at < start + length; at++) crc = combineCrc32c(crc, crc32c(view(sample), at, at + 1), 1)
      if (crc !== crc32c(view(sample), start, start + length)) t.fail(`${length} bytes at ${start}`)
    }
  }
  t.pass('all alike')
})
