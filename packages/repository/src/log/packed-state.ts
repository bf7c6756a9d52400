import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { decodeState, encodeState } from '../checkpoint/state-columns.ts'
import { decode, encode } from '../msgpack.ts'
import type { Genesis } from './payload.ts'
import type { LogState } from './state.ts'

/** Of a state in an entry, unpacked. */
const maxStateBytes = 2 ** 28

/** One zstd frame of what a checkpoint says besides `genesis`. */
export function packState(state: LogState): Buffer {
  return zstdCompressSync(encode(encodeState(state)))
}

/** Undefined when the bytes are not a state. */
export function unpackState(bytes: Uint8Array, genesis: Genesis, head: LogState['head']): LogState | undefined {
  try {
    return decodeState(decode(zstdDecompressSync(bytes, { maxOutputLength: maxStateBytes })), genesis, head)
  } catch {
    return undefined // Of another version, or of a writer with a fault: it is authenticated all the same.
  }
}
