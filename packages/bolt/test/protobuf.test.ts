import { test } from 'tap'
import { readKeyValue } from '../src/key-value.ts'
import { readFields } from '../src/protobuf.ts'

const fieldsOf = (...bytes: number[]) =>
  [...readFields(Uint8Array.from(bytes))].map(({ number, value }) => [number, typeof value === 'bigint' ? value : [...value]])

test('fields of all four wire types come in order', async (t) => {
  t.same(fieldsOf(8, 150, 1, 18, 2, 7, 8, 25, 1, 0, 0, 0, 0, 0, 0, 128, 37, 1, 0, 0, 0), [
    [1, 150n],
    [2, [7, 8]],
    [3, 0x8000000000000001n],
    [4, 1n],
  ])
  t.same(fieldsOf(8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1), [[1, 0xffffffffffffffffn]])
  t.same(fieldsOf(), [])
})

test('messages that end early or hold anything else are refused', async (t) => {
  for (const bytes of [
    [8],
    [8, 128],
    [18, 3, 1, 2],
    [18],
    [25, 1],
    [37, 1, 2, 3],
    [11],
    [12],
    [0, 1],
    [18, 255, 255, 255, 255, 31],
    [18, 255, 255, 255, 255, 7],
    [8, ...Array(10).fill(255), 1],
  ]) {
    t.throws(() => fieldsOf(...bytes), { name: 'BoltError', code: 'schema' }, String(bytes))
  }
})

test('a KeyValue of zero bytes is the empty key', async (t) => {
  t.match(readKeyValue(new Uint8Array(0)), { key: new Uint8Array(0), modRevision: 0n, lease: 0n })
})

test('the last of repeated fields counts, negative numbers are negative', async (t) => {
  const { key, lease } = readKeyValue(Uint8Array.of(10, 1, 97, 10, 1, 98, 48, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1))
  t.equal(Buffer.from(key).toString(), 'b')
  t.equal(lease, -1n)
})
