import { test } from 'tap'
import { decode, encode } from '../src/msgpack.ts'
import { dice } from './made-repository.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const random = dice(9)

/** Any value that a repository may hold. */
function value(depth: number): unknown {
  const kinds = [null, true, false, 0, -1, 127, 128, 65_536, 2 ** 33, -(2 ** 40), 1.5, 'text', 'x'.repeat(40), 'y'.repeat(300), '']
  const turn = Math.floor(random() * (kinds.length + (depth > 0 ? 6 : 2)))
  if (turn < kinds.length) return kinds[turn]
  if (turn < kinds.length + 2) return Buffer.alloc(Math.floor(random() * 400), turn)
  const items = Array.from({ length: Math.floor(random() * 20) }, () => value(depth - 1))
  return turn % 2 === 0 ? items : Object.fromEntries(items.map((item, index) => [`key ${index}`, item]))
}

test('whatever is encoded is decoded again', async (t) => {
  for (let round = 0; round < 2000; round++) {
    const made = value(7)
    const bytes = encode(made)
    if (!encode(decode(bytes)).equals(bytes)) t.fail(bytes.toString('hex'))
  }
  t.equal(encode(decode(encode('z'.repeat(70_000)))).length, 70_005)
  t.same(
    decode(encode(Array.from({ length: 70_000 }, () => null))),
    Array.from({ length: 70_000 }, () => null),
  )
})

test('what is cut off anywhere, or goes on, is refused', async (t) => {
  const bytes = encode({ list: [1, 2 ** 33, 'text', Buffer.alloc(300)], map: { a: { b: null } } })
  for (let length = 0; length < bytes.length; length++) t.throws(() => decode(bytes.subarray(0, length)), RangeError)
  t.throws(() => decode(Buffer.concat([bytes, Buffer.alloc(1)])), RangeError)
})

for (const [what, bytes] of Object.entries({
  'an array of 2^32 items': hex('dd ffffffff c0'),
  'arrays of 2^25 items within each other': hex('dd 02000000'.repeat(7)),
  'a map of 2^32 keys': hex('df ffffffff a161c0'),
  'a text of 2^32 bytes': hex('db ffffffff'),
  'a bin of 2^32 bytes': hex('c6 ffffffff'),
  'a depth of nine': hex(`${'91'.repeat(9)}c0`),
  'a depth of a million': Buffer.alloc(1_000_000, 0x91),
  'maps to a depth of a million': Buffer.from('81a161'.repeat(1_000_000), 'hex'),
  'five million values': Buffer.concat([hex('dd 004c4b40'), Buffer.alloc(5_000_000, 0xc0)]),
  'a key that is a number': hex('81 01 c0'),
  'a key that is an array': hex('81 90 c0'),
  'a record of msgpackr': hex('d4 72 40 91 a161 01'),
  'an extension of no bytes': hex('c7 00 01'),
  'a date': hex('d6 ff 00000000'),
  'a set': hex('d4 73 00 91 01'),
  'an expression': hex('d4 78 00 92 a161 a0'),
  'a type that there is not': hex('c1'),
}))
  test(`${what} is refused`, async (t) => {
    t.throws(() => decode(bytes), RangeError)
  })

test('a depth of eight, and the names that objects have anyway, are taken', async (t) => {
  t.same(decode(hex(`${'91'.repeat(8)}c0`)), [[[[[[[[null]]]]]]]])
  const decoded = decode(encode({ constructor: 1, toString: 2 })) as Record<string, unknown>
  t.same(Object.keys(decoded), ['constructor', 'toString'])
  const proto = decode(hex('81 a9 5f5f70726f746f5f5f 81 a161 01')) as Record<string, unknown>
  t.equal(Object.getPrototypeOf(proto), Object.prototype)
  t.equal(proto['a'], undefined)
})
