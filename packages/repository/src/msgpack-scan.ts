import { maxValues } from './bounds.ts'

/** Values within values; the outermost is at 0. */
export const maxDepth = 8

/**
 * Walks over msgpack without making anything of it: a decoder that trusts declared lengths makes an array of 2^32 items of five bytes.
 * @throws RangeError for what a repository never holds: values beyond the end, extensions, keys that are no text, depth above 8, more
 * than 2^22 values, bytes after the end
 */
export function demandPlainMsgpack(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  /** Values that are left at each depth; in a map every other one, when an even number is left, is a key. */
  const left = new Float64Array(maxDepth + 2)
  const isMap = new Uint8Array(maxDepth + 2)
  let [position, depth, values] = [0, 0, 0]
  left[0] = 1
  while (depth >= 0) {
    if (left[depth] === 0) {
      depth -= 1
      continue
    }
    const isKey = isMap[depth] === 1 && left[depth] % 2 === 0
    left[depth] -= 1
    if (++values > maxValues) throw new RangeError(`there are more than ${maxValues} values`)
    if (position >= bytes.length) throw new RangeError('a value is missing')
    const { head, content, items, map, text } = shapeAt(view, position)
    position += head + content
    if (isKey && !text) throw new RangeError('a key is no text')
    // Every item has a byte at the least.
    if (position + items > bytes.length) throw new RangeError('a value is longer than what there is')
    if (items === 0) continue
    if (++depth > maxDepth) throw new RangeError(`values are nested deeper than ${maxDepth}`)
    left[depth] = items
    isMap[depth] = map ? 1 : 0
  }
  if (position !== bytes.length) throw new RangeError('there is more behind the value')
}

interface ValueShape {
  /** Bytes of type and length. */
  readonly head: number
  /** Bytes of a text, a bin or a number. */
  readonly content: number
  /** Values within: two for each key of a map. */
  readonly items: number
  readonly map: boolean
  readonly text: boolean
}

const scalar = (content: number): ValueShape => ({ head: 1, content, items: 0, map: false, text: false })
const fixed: Readonly<Record<number, ValueShape>> = {
  0xc0: scalar(0), // nil
  0xc2: scalar(0), // false
  0xc3: scalar(0), // true
  0xca: scalar(4), // float 32
  0xcb: scalar(8), // float 64
  0xcc: scalar(1), // uint
  0xcd: scalar(2),
  0xce: scalar(4),
  0xcf: scalar(8),
  0xd0: scalar(1), // int
  0xd1: scalar(2),
  0xd2: scalar(4),
  0xd3: scalar(8),
}
/** Bytes of the length that follows the type. */
const lengthBytes: Readonly<Record<number, number>> = {
  0xc4: 1, // bin
  0xc5: 2,
  0xc6: 4,
  0xd9: 1, // text
  0xda: 2,
  0xdb: 4,
  0xdc: 2, // array
  0xdd: 4,
  0xde: 2, // map
  0xdf: 4,
}

/** Of each type whose shape follows from it alone: nearly all values of a manifest, and there may be ten thousand manifests. */
const byType = Array.from({ length: 256 }, (_, type): ValueShape | undefined => {
  if (type < 0x80 || type >= 0xe0) return scalar(0)
  if (type < 0x90) return { head: 1, content: 0, items: (type & 0x0f) * 2, map: true, text: false }
  if (type < 0xa0) return { head: 1, content: 0, items: type & 0x0f, map: false, text: false }
  if (type < 0xc0) return { head: 1, content: type & 0x1f, items: 0, map: false, text: true }
  return fixed[type]
})

function shapeAt(view: DataView, position: number): ValueShape {
  const type = view.getUint8(position)
  const known = byType[type]
  if (known !== undefined) return known
  if (!(type in lengthBytes)) throw new RangeError(`type 0x${type.toString(16)} is not of this format`)
  const width = lengthBytes[type]
  // Beyond the end getUint throws a RangeError, too.
  const length = width === 1 ? view.getUint8(position + 1) : width === 2 ? view.getUint16(position + 1) : view.getUint32(position + 1)
  const head = 1 + width
  if (type <= 0xc6) return { head, content: length, items: 0, map: false, text: false }
  if (type <= 0xdb) return { head, content: length, items: 0, map: false, text: true }
  return type <= 0xdd
    ? { head, content: 0, items: length, map: false, text: false }
    : { head, content: 0, items: length * 2, map: true, text: false }
}
