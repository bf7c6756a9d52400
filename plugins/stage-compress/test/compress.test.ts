import { randomBytes } from 'node:crypto'
import { zstdDecompressSync } from 'node:zlib'
import { test } from 'tap'
import type { Codec } from '@kpipe/engine/contracts'
import compress from '../src/index.ts'

const context = { deriveKey: () => new Uint8Array(32), binding: new Uint8Array(0) }
const open = async (level = 3): Promise<Codec> => compress.open({ algorithm: 'zstd', level }, context)
const shape = (plainBytes: number) => ({ plainBytes, ends: Uint32Array.of(plainBytes), pageBytes: 4096 })

test('every frame comes back, whether it shrinks or not', async (t) => {
  const codec = await open()
  const frames = [new Uint8Array(0), Uint8Array.of(1), randomBytes(70_000), new Uint8Array(4 << 20), randomBytes(4 << 20)]
  for (const frame of frames) {
    const encoded = await codec.encode(frame, shape(frame.length))
    const decoded = await codec.decode(encoded, shape(frame.length), frame.length)
    t.ok(Buffer.from(frame).equals(decoded), `${frame.length} bytes`)
  }
})

test('the result is a standard zstd frame in memory of its own', async (t) => {
  const codec = await open()
  const frame = Buffer.from('page '.repeat(100))
  const encoded = await codec.encode(frame, shape(frame.length))
  t.same(zstdDecompressSync(encoded), frame)
  t.equal(encoded.byteOffset, 0)
  const decoded = await codec.decode(encoded, shape(frame.length), frame.length)
  t.equal(decoded.byteOffset, 0)
})

test('a higher level makes smaller frames', async (t) => {
  const frame = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `/registry/pods/${(i * 7919) % 6007}/${i % 13}`).join())
  const [low, high] = await Promise.all([1, 19].map(async (level) => (await (await open(level)).encode(frame, shape(frame.length))).length))
  t.ok(high < low)
})

test('no more than the expected bytes are made', async (t) => {
  const codec = await open()
  const bomb = await codec.encode(new Uint8Array(4 << 20), shape(4 << 20))
  for (const expected of [0, 1, 4096, (4 << 20) - 1, (4 << 20) + 1]) {
    t.throws(() => codec.decode(bomb, shape(expected), expected), { code: 'KPIPE_DAMAGED' }, `${expected} bytes`)
  }
})

test('damaged frames are refused', async (t) => {
  const codec = await open()
  const frame = Buffer.from('page '.repeat(10_000))
  const encoded = await codec.encode(frame, shape(frame.length))
  const damaged = {
    cut: encoded.subarray(0, -1),
    empty: new Uint8Array(0),
    longer: Buffer.concat([encoded, encoded]),
    other: randomBytes(100),
  }
  for (const [name, bytes] of Object.entries(damaged)) {
    t.throws(() => codec.decode(bytes, shape(frame.length), frame.length), { code: 'KPIPE_DAMAGED' }, name)
  }
})
