import { randomBytes, randomInt } from 'node:crypto'
import t from 'tap'
import { encodeField, idOf, integerOf, lengthOf, textOf, visitFields, type FieldValue, type Pieces } from '../src/protobuf.ts'

const fail = (seen: string): never => {
  throw new Error(seen)
}

function fieldsIn(message: Pieces): [number, FieldValue][] {
  const fields: [number, FieldValue][] = []
  visitFields(message, fail, (number, value) => fields.push([number, value]))
  return fields
}

function cutAtRandom(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    const end = at + randomInt(0, 6)
    pieces.push(bytes.subarray(at, end))
    at = Math.min(end, bytes.length)
  }
  return pieces
}

t.test('what is written is read back, in whatever pieces it arrives', async (t) => {
  for (let round = 0; round < 300; round += 1) {
    const number = randomInt(1, 3000)
    const value = BigInt.asUintN(randomInt(1, 65), randomBytes(8).readBigUInt64BE())
    const blob = randomBytes(randomInt(0, 300))
    const message = Buffer.concat([encodeField(number, value), encodeField(number + 1, blob)])
    const [first, second] = fieldsIn(cutAtRandom(message))
    if (first[0] !== number || first[1] !== value) t.fail(`number ${value} came back as ${String(first[1])}`)
    if (second[0] !== number + 1 || !Buffer.concat(second[1] as Pieces).equals(blob)) t.fail('blob came back changed')
  }
  t.pass('300 rounds')
})

t.test('a message cut off anywhere inside a field is refused, never misread', async (t) => {
  const message = Buffer.concat([encodeField(1, 300n), encodeField(2, 'abcdef')])
  const boundaries = [0, encodeField(1, 300n).length]
  for (let length = 0; length < message.length; length += 1) {
    if (boundaries.includes(length)) continue
    t.throws(() => fieldsIn([message.subarray(0, length)]), /protobuf/, `cut at ${length}`)
  }
})

t.test('fields of fixed width are stepped over', async (t) => {
  const message = Buffer.concat([Buffer.from([0x09, 1, 2, 3, 4, 5, 6, 7, 8]), Buffer.from([0x15, 1, 2, 3, 4]), encodeField(3, 7n)])
  t.same(fieldsIn([message]), [[3, 7n]])
})

t.test('groups and numbers without an end are refused', async (t) => {
  t.throws(() => fieldsIn([Buffer.from([0x0b])]), /wire type 3/)
  t.throws(() => fieldsIn([Buffer.alloc(12, 0xff)]), /more than 10 bytes/)
})

t.test('64-bit values keep all their bits, signed ones their sign', async (t) => {
  t.equal(idOf(0xfedc_ba98_7654_3210n), 'fedcba9876543210')
  t.equal(idOf(5n), '0000000000000005')
  const [[, minusOne]] = fieldsIn([encodeField(1, -1n)])
  t.equal(integerOf(minusOne), -1)
  t.equal(integerOf(BigInt(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER)
})

t.test('text that straddles pieces inside a character is whole', async (t) => {
  const message = encodeField(1, 'größe')
  const [[, text]] = fieldsIn([...message].map((byte) => Uint8Array.of(byte)))
  t.equal(textOf(text), 'größe')
  t.equal(lengthOf(text as Pieces), 7)
})
