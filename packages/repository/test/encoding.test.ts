import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { decodePackNumbers, encodePackNumbers, packNumber } from '../src/log/pack-numbers.ts'
import { decode, encode } from '../src/msgpack.ts'
import { padme } from '../src/padme.ts'
import { canonicalJson } from '../src/packs/frame-binding.ts'
import { openUnit, sealUnit } from '../src/sealed-unit.ts'
import { VarintReader, VarintWriter } from '../src/varint.ts'
import { version } from '../src/version.ts'
import { dice, noise } from './made-repository.ts'

test('msgpack is plain: the smallest forms, no extension, 64-bit integers whole', async (t) => {
  const hex = (value: unknown): string => encode(value).toString('hex')
  t.equal(hex({ a: 1, b: undefined, c: null }), '82a16101a163c0')
  t.equal(hex([true, false, -1, 127, 128, 65_535, 4_294_967_295]), '97c3c2ff7fcc80cdffffceffffffff')
  t.equal(hex(4_294_967_296), 'd30000000100000000')
  t.equal(hex(-2_147_483_649), 'd3ffffffff7fffffff')
  t.equal(hex(0.5), 'cb3fe0000000000000')
  t.equal(hex(new Uint8Array([1, 2])), 'c4020102')
  t.equal(hex(Buffer.from([1, 2])), 'c4020102')
  t.same(decode(encode({ n: 2 ** 53 - 1, m: -(2 ** 52) })), { n: 2 ** 53 - 1, m: -(2 ** 52) })
  let deep: unknown = 1
  for (let depth = 0; depth < 10; depth++) deep = [deep]
  t.throws(() => encode(deep), RangeError)
})

test('what was encoded stays as it is whatever is encoded next, in hardly more memory than it takes', (t) => {
  const values = [0, 10, 32_767, 32_768, 1_048_576, 70_000, 5].map((length) => ({
    bin: new Uint8Array(noise(length, `${length}`)),
    list: [length, 'end'],
  }))
  // Texts are not reckoned with.
  const long = {
    bin: new Uint8Array(40_000).fill(7),
    texts: Array.from({ length: 3000 }, (_, index) => `text number ${index}, and more of it`),
  }
  const encoded = [...values, long, ...values].map((value) => encode(value))
  for (const [index, value] of [...values, long, ...values].entries()) {
    const decoded = decode(encoded[index]) as typeof value
    t.ok(Buffer.from(decoded.bin).equals(value.bin), `${value.bin.length} bytes`)
    t.same({ ...decoded, bin: 0 }, { ...value, bin: 0 })
    t.ok(encoded[index].buffer.byteLength <= encoded[index].length + 70_000 || value === long, 'a buffer of its own, or a pool')
  }
  t.end()
})

test('columns of numbers come back', async (t) => {
  const values = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, 2 ** 52]
  const writer = new VarintWriter()
  for (let round = 0; round < 100; round++) for (const value of values) writer.push(value)
  const reader = new VarintReader(writer.finish())
  for (let round = 0; round < 100; round++) for (const value of values) if (reader.next() !== value) t.fail(String(value))
  t.ok(reader.done)
  t.throws(() => reader.next(), RangeError)
  t.throws(() => new VarintReader(Buffer.alloc(20, 0xff)).next(), RangeError)
})

test('pack numbers come back, two bytes each where packs are near', async (t) => {
  const random = dice(5)
  for (let round = 0; round < 100; round++) {
    const numbers = [
      ...new Set(Array.from({ length: 50 }, () => packNumber(Math.floor(random() * 5000), Math.floor(random() * 3)))),
    ].toSorted((a, b) => a - b)
    t.same(decodePackNumbers(encodePackNumbers(numbers)), numbers)
  }
  t.equal(encodePackNumbers([packNumber(2, 0), packNumber(2, 1), packNumber(4, 0)]).toString('hex'), '020000010200')
})

test('Padmé steps add at most 12 % and are steps', async (t) => {
  t.same([0, 1, 9, 100, 1000, 2049, 100_000].map(padme), [0, 1, 10, 104, 1024, 2176, 100_352])
  for (let bytes = 1; bytes < 20_000; bytes++) {
    const padded = padme(bytes)
    if (padded < bytes || padded > bytes * 1.12 + 1 || padme(padded) !== padded) t.fail(String(bytes))
  }
  t.equal(padme(16 * 2 ** 20), 16 * 2 ** 20)
})

test('a sealed unit opens with its key and header only, and every flipped bit is noticed', async (t) => {
  const [key, header, plain] = [noise(32, 'key'), noise(40, 'header'), noise(100, 'plain')]
  const unit = sealUnit(key, header, [plain.subarray(0, 30), plain.subarray(30)])
  t.equal(unit.length, 164)
  t.same(openUnit(key, header, unit), plain)
  t.equal(openUnit(noise(32, 'other'), header, unit), 'key')
  t.equal(openUnit(key, noise(40, 'other'), unit), 'key')
  for (let at = 0; at < unit.length; at++) {
    const altered = Buffer.from(unit)
    altered[at] ^= 0x80
    t.equal(openUnit(key, header, altered), at < 48 ? 'key' : 'bytes')
  }
  t.equal(openUnit(key, header, unit.subarray(0, 63)), 'bytes')
  t.not(sealUnit(key, header, [plain]).toString('hex'), sealUnit(key, header, [plain]).toString('hex'))
})

test('canonical JSON has its keys in order, at every depth', async (t) => {
  t.equal(canonicalJson({ b: [1, { z: null, a: 'é"' }], a: true, u: undefined }), '{"a":true,"b":[1,{"a":"é\\"","z":null}]}')
})

test('the version in the code is the package version', async (t) => {
  const text = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')
  t.equal((JSON.parse(text) as { version: string }).version, version)
})
