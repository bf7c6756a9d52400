import { decode, encode } from '../src/msgpack.ts'

/** Numbers at which lengths and offsets go wrong. */
const numbers = [
  0,
  1,
  2,
  15,
  16,
  17,
  127,
  128,
  255,
  256,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 1,
  -1,
  -(2 ** 31),
  0.5,
  NaN,
]
/** Heads of msgpack that promise much. */
const heads = ['dd7fffffff', 'dc ffff', 'df7fffffff', 'c6ffffffff', 'c5ffff', 'dbffffffff', 'c9ffffffff00', 'd6ff', 'c1', '92929292'].map(
  (hex) => Buffer.from(hex.replace(' ', ''), 'hex'),
)

/** Random bytes, of a length that is mostly small. */
export function randomInput(dice: () => number): Buffer {
  const bytes = Buffer.alloc(Math.floor(dice() ** 3 * 2000))
  for (let at = 0; at < bytes.length; at++) bytes[at] = dice() * 256
  return bytes
}

/** A few bytes are other ones, or are missing, or are there twice; or a piece of another sample takes their place. */
export function mutateBytes(sample: Buffer, other: Buffer, dice: () => number): Buffer {
  const upTo = (count: number): number => Math.floor(dice() * count)
  let bytes = Buffer.from(sample)
  for (let left = 1 + upTo(4); left > 0 && bytes.length > 0; left--) {
    const at = upTo(bytes.length)
    const length = upTo(Math.min(64, bytes.length - at))
    const kind = upTo(9)
    if (kind === 0) bytes[at] ^= 1 << upTo(8)
    else if (kind === 1) bytes[at] = upTo(256)
    else if (kind === 2) bytes[at] = [0, 1, 127, 128, 255][upTo(5)]
    else if (kind === 3) bytes = bytes.subarray(0, at)
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    else if (kind === 5) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)])
    else if (kind === 6) bytes = Buffer.concat([bytes.subarray(0, at), heads[upTo(heads.length)], bytes.subarray(at + length)])
    else if (kind === 7 && at + 4 <= bytes.length) bytes.writeUInt32LE(Math.max(0, numbers[upTo(15)]), at)
    else bytes = Buffer.concat([bytes.subarray(0, at), other.subarray(Math.min(at, other.length))])
  }
  return bytes
}

/** msgpack in which a value or two are other ones. */
export function mutateValues(sample: Buffer, other: Buffer, dice: () => number): Buffer {
  let value = decode(sample)
  for (let left = 1 + Math.floor(dice() * 2); left > 0; left--) value = mutateValue(value, other, dice)
  try {
    return encode(value)
  } catch {
    return sample // Nested deeper than is ever written.
  }
}

function mutateValue(value: unknown, other: Buffer, dice: () => number): unknown {
  const upTo = (count: number): number => Math.floor(dice() * count)
  if (dice() < 0.03) return [null, true, numbers[upTo(numbers.length)], '', 'text', Buffer.alloc(16), [], {}, [[1]], { a: 1 }][upTo(10)]
  if (typeof value === 'number') return dice() < 0.5 ? numbers[upTo(numbers.length)] : value + upTo(5) - 2
  if (typeof value === 'string') return ['', 'x', value + value, value.slice(1), '__proto__', 'D', 'M'][upTo(7)]
  if (value instanceof Uint8Array) return mutateBin(Buffer.from(value), other, dice)
  if (Array.isArray(value)) {
    if (value.length === 0 || dice() < 0.1) return [[], [...value, ...value], value.slice(1), Array(upTo(300)).fill(value[0] ?? 0)][upTo(4)]
    return value.with(upTo(value.length), mutateValue(value[upTo(value.length)], other, dice))
  }
  if (typeof value !== 'object' || value === null) return numbers[upTo(numbers.length)]
  const map: Record<string, unknown> = { ...value }
  const keys = Object.keys(map)
  const key = keys[upTo(keys.length)]
  if (key === undefined || dice() < 0.05)
    return { ...map, [['constructor', 'x', 'length', 'base'][upTo(4)]]: numbers[upTo(numbers.length)] }
  if (dice() < 0.05) delete map[key]
  else map[key] = mutateValue(map[key], other, dice)
  return map
}

/** Columns keep their length more often than not, so that what they say gets its turn. */
function mutateBin(bytes: Buffer, other: Buffer, dice: () => number): Buffer {
  if (dice() < 0.4) return mutateBytes(bytes, other, dice)
  for (let left = 1 + Math.floor(dice() * 3); left > 0 && bytes.length > 0; left--) {
    const at = Math.floor(dice() * bytes.length)
    if (dice() < 0.6 || at + 4 > bytes.length) bytes[at] = [bytes[at] ^ 1, 0, 1, 0x7f, 0x80, 0xff, dice() * 256][Math.floor(dice() * 7)]
    else bytes.writeUInt32LE(Math.max(0, numbers[Math.floor(dice() * 15)]), at & ~3)
  }
  return bytes
}
