/** A message as it arrived, in pieces; their concatenation is the message. */
export type Pieces = readonly Uint8Array[]

/** Reports bytes that are not what they should be. */
export type Fail = (seen: string) => never

/** Integers of any width are unsigned 64-bit as on the wire; strings, bytes and inner messages are pieces. */
export type FieldValue = bigint | Pieces

/**
 * Calls `visit` with the fields of a message in their order. Pieces are views, nothing is copied.
 * Source of the encoding: https://protobuf.dev/programming-guides/encoding/
 */
export function visitFields(message: Pieces, fail: Fail, visit: (number: number, value: FieldValue) => void): void {
  const cursor = cursorOver(message, fail)
  while (cursor.left() > 0) {
    const key = Number(varint(cursor, fail))
    const number = Math.floor(key / 8)
    switch (key % 8) {
      case 0:
        visit(number, varint(cursor, fail))
        break
      case 1:
        cursor.take(8)
        break
      case 2:
        visit(number, cursor.take(Number(varint(cursor, fail))))
        break
      case 5:
        cursor.take(4)
        break
      default:
        fail(`a protobuf field of wire type ${key % 8}`)
    }
  }
}

/** One field; bigint is written as a varint, negative ones in two's complement. */
export function encodeField(number: number, value: bigint | string | Uint8Array): Uint8Array {
  if (typeof value === 'bigint') return Buffer.concat([encodeVarint(BigInt(number * 8)), encodeVarint(BigInt.asUintN(64, value))])
  const bytes = Buffer.from(value)
  return Buffer.concat([encodeVarint(BigInt(number * 8 + 2)), encodeVarint(BigInt(bytes.length)), bytes])
}

export const textOf = (value: FieldValue): string => Buffer.concat(piecesOf(value)).toString('utf8')
export const piecesOf = (value: FieldValue): Pieces => (typeof value === 'bigint' ? [] : value)
/** Signed; exact below 2^53. */
export const integerOf = (value: FieldValue): number => (typeof value === 'bigint' ? Number(BigInt.asIntN(64, value)) : 0)
export const booleanOf = (value: FieldValue): boolean => value !== 0n
/** 16 hex digits. */
export const idOf = (value: FieldValue): string => (typeof value === 'bigint' ? value : 0n).toString(16).padStart(16, '0')

export const lengthOf = (pieces: Pieces): number => pieces.reduce((sum, piece) => sum + piece.length, 0)

interface Cursor {
  left(): number
  byte(): number
  take(length: number): Pieces
}

function cursorOver(message: Pieces, fail: Fail): Cursor {
  let left = lengthOf(message)
  let index = 0
  let offset = 0
  function skipEmpty(): void {
    while (index < message.length && offset === message[index].length) {
      index += 1
      offset = 0
    }
  }
  return {
    left: () => left,
    byte() {
      if (left === 0) fail('a protobuf message that ends in the middle of a number')
      skipEmpty()
      left -= 1
      offset += 1
      return message[index][offset - 1]
    },
    take(length) {
      if (length > left) fail(`a protobuf field of ${length} bytes where ${left} are left`)
      left -= length
      const taken: Uint8Array[] = []
      for (let wanted = length; wanted > 0;) {
        skipEmpty()
        const piece = message[index].subarray(offset, offset + wanted)
        taken.push(piece)
        offset += piece.length
        wanted -= piece.length
      }
      return taken
    },
  }
}

function varint(cursor: Cursor, fail: Fail): bigint {
  let low = 0
  let high = 0n
  for (let index = 0; index < 10; index += 1) {
    const byte = cursor.byte()
    // Seven groups of seven bits are exact in a double.
    if (index < 7) low += (byte % 128) * 128 ** index
    else high |= BigInt(byte % 128) << BigInt(7 * index)
    if (byte < 128) return BigInt.asUintN(64, high + BigInt(low))
  }
  return fail('a protobuf number of more than 10 bytes')
}

function encodeVarint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let left = value
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  bytes.push(Number(left))
  return Uint8Array.from(bytes)
}
