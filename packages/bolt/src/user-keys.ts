import { userKeysCode } from './user-keys-code.ts'
import { instantiate, reserve } from './web-assembly.ts'
import type { ExportedNumber } from './web-assembly.ts'

/** What `user-keys` of the folder wasm exports. */
interface UserKeysCode {
  tableBytes(slots: number): number
  widen(at: number, slots: number): void
  number(rowsAt: number, rows: number, outAt: number): number
  readonly count: ExportedNumber
}

/** Numbers the distinct user keys by their hashes: 16 to 32 bytes a key. */
export interface UserKeys {
  readonly count: number
  /** Number of the key with this hash, a new one when it is not known; the lowest bit of `low` does not count. */
  number(low: number, high: number): number
  /** Fills `out`: for each row, two words of its key's hash, the key's number times two, plus the lowest bit of the first word. */
  numbers(rows: Uint32Array, out: Uint32Array): Uint32Array
}

/** Where the table begins. */
const tableAt = 0
const fewestSlots = 4096

/** Open addressing with linear probing, at most half full; in WebAssembly, for JavaScript would be compiled only when most is done. */
export function userKeys(): UserKeys {
  const { memory, exports: code } = instantiate<UserKeysCode>(userKeysCode)
  let slots = fewestSlots
  code.widen(tableAt, slots)

  /** Where so many bytes may be laid behind the table. */
  function roomFor(bytes: number): number {
    const at = tableAt + code.tableBytes(slots)
    reserve(memory, at + bytes)
    return at
  }

  function numbers(rows: Uint32Array, out: Uint32Array): Uint32Array {
    const count = rows.length / 2
    for (let from = 0; from < count;) {
      const left = count - from
      const at = roomFor(12 * left)
      new Uint32Array(memory.buffer, at, 2 * left).set(rows.subarray(2 * from))
      const taken = code.number(at, left, at + 8 * left)
      out.set(new Uint32Array(memory.buffer, at + 8 * left, taken), from)
      from += taken
      if (from === count) break
      slots *= 2
      roomFor(0)
      code.widen(tableAt, slots)
    }
    return out
  }

  const single = new Uint32Array(2)
  const singleNumber = new Uint32Array(1)
  return {
    get count() {
      return code.count.value
    },
    number(low, high) {
      single[0] = low
      single[1] = high
      return numbers(single, singleNumber)[0] >>> 1
    },
    numbers,
  }
}
