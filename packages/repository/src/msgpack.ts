import { Packr } from 'msgpackr/pack'
import { demandPlainMsgpack, maxDepth } from './msgpack-scan.ts'

const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false, int64AsType: 'number' })

/** Plain msgpack: maps with text keys, no extensions; integers beyond 32 bits as int64, bytes as bin. */
export function encode(value: unknown): Buffer {
  const plainValue = plain(value, 0)
  const large = binBytes(plainValue)
  // msgpackr hands out views of a buffer that it goes on using.
  if (large < largeBytes) return Buffer.from(packr.pack(plainValue))
  // It would make a buffer four times as long, and keep it for good.
  packr.useBuffer(Buffer.allocUnsafeSlow(large + largeBytes))
  try {
    return packr.pack(plainValue)
  } finally {
    packr.useBuffer(Buffer.allocUnsafeSlow(smallBytes))
  }
}

/** Of bins in one value. All that stands beside them is shorter, as a rule. */
const largeBytes = 32_768
/** What msgpackr begins with. */
const smallBytes = 8192

function binBytes(value: unknown): number {
  if (value === null || typeof value !== 'object') return 0
  if (value instanceof Uint8Array) return value.length
  return Object.values(value).reduce((sum: number, item) => sum + binBytes(item), 0)
}

/**
 * Only for bytes that were authenticated before; whoever sealed them may be a stranger all the same. Bins are views of `bytes`.
 * @throws RangeError when they are no msgpack, or more than a repository holds
 */
export function decode(bytes: Uint8Array): unknown {
  demandPlainMsgpack(bytes)
  try {
    return packr.unpack(bytes)
  } catch (cause) {
    throw new RangeError('the bytes are no msgpack', { cause })
  }
}

/** msgpackr would write an integer above 2^32 as a float, and an undefined value as an extension. */
function plain(value: unknown, depth: number): unknown {
  if (depth > maxDepth) throw new RangeError(`a value nested deeper than ${maxDepth} cannot be stored`)
  if (typeof value === 'number') return Number.isSafeInteger(value) && (value > 0xffff_ffff || value < -0x8000_0000) ? BigInt(value) : value
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([name, item]) => [name, plain(item, depth + 1)]))
}
