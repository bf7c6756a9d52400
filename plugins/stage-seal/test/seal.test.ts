import { hkdfSync, randomBytes } from 'node:crypto'
import { test } from 'tap'
import type { Codec } from '@kpipe/engine/contracts'
import seal from '../src/index.ts'

const contextOf = (key: Uint8Array, binding = 'kpipe/frame') => ({
  deriveKey: (label: string, salt: Uint8Array) => new Uint8Array(hkdfSync('sha256', key, salt, `@kpipe/stage-seal/${label}`, 32)),
  binding: Buffer.from(binding),
})
const key = randomBytes(32)
const open = async (context = contextOf(key)): Promise<Codec> => seal.open({ algorithm: 'aes-256-gcm' }, context)
const shape = (plainBytes: number) => ({ plainBytes, ends: Uint32Array.of(plainBytes), pageBytes: 4096 })
const refused = { code: 'KPIPE_DAMAGED' }

test('it says that it seals', async (t) => {
  t.equal(seal.seals, true)
})

test('every length comes back, 64 bytes longer while sealed', async (t) => {
  const codec = await open()
  for (const bytes of [0, 1, 31, 4096, 1 << 20]) {
    const frame = randomBytes(bytes)
    const sealed = await codec.encode(frame, shape(bytes))
    t.equal(sealed.length, bytes + 64)
    t.ok(frame.equals(await codec.decode(sealed, shape(bytes), bytes)), `${bytes} bytes`)
  }
})

test('the same frame is never sealed to the same bytes', async (t) => {
  const codec = await open()
  const frame = randomBytes(100)
  const [one, other] = [await codec.encode(frame, shape(100)), await codec.encode(frame, shape(100))]
  t.notSame(one.subarray(0, 32), other.subarray(0, 32))
  t.notSame(one.subarray(48), other.subarray(48))
})

test('a flipped bit anywhere is refused', async (t) => {
  const codec = await open()
  const sealed = await codec.encode(randomBytes(20), shape(20))
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const damaged = Uint8Array.from(sealed)
    damaged[bit >> 3] ^= 1 << (bit & 7)
    t.throws(() => codec.decode(damaged, shape(20), 20), refused, `bit ${bit}`)
  }
})

test('another key, binding, plain length or decoded length is refused', async (t) => {
  const sealed = await (await open()).encode(randomBytes(20), shape(50))
  const others: [string, Codec, number, number][] = [
    ['key', await open(contextOf(randomBytes(32))), 50, 20],
    ['binding', await open(contextOf(key, 'kpipe/other')), 50, 20],
    ['plain length', await open(), 51, 20],
    ['decoded length', await open(), 50, 21],
  ]
  for (const [name, codec, plainBytes, decodedBytes] of others) {
    t.throws(() => codec.decode(sealed, shape(plainBytes), decodedBytes), refused, name)
  }
})

test('a frame that ends early is refused', async (t) => {
  const codec = await open()
  const sealed = await codec.encode(randomBytes(20), shape(20))
  for (const bytes of [0, 1, 47, 63, 83]) t.throws(() => codec.decode(sealed.subarray(0, bytes), shape(20), 20), refused, `${bytes} bytes`)
})

test('another key is noticed by the commitment, before anything is decrypted', async (t) => {
  const sealed = await (await open()).encode(randomBytes(20), shape(20))
  const other = contextOf(randomBytes(32))
  const labels: string[] = []
  const codec = await open({ ...other, deriveKey: (label, salt) => (labels.push(label), other.deriveKey(label, salt)) })
  t.throws(() => codec.decode(sealed, shape(20), 20), refused)
  t.same(labels, ['commitment'])
})
