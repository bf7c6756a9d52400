import { hkdfSync } from 'node:crypto'
import type { Codec, CodecContext, FrameShape } from '../contracts/index.ts'
import { noise } from './sample-bytes.ts'

export interface CodecSubject {
  open(context?: Partial<CodecContext>): Promise<Codec>
}

export const pageBytes = 4096

/** Pages of 4 KiB. */
export function shapeOf(plainBytes: number): FrameShape {
  const ends = Uint32Array.from({ length: Math.ceil(plainBytes / pageBytes) }, (_, page) => Math.min((page + 1) * pageBytes, plainBytes))
  return { plainBytes, ends, pageBytes }
}

/** Keys as the engine derives them, from a root that differs by `seed`. */
export function codecContext(seed: number): CodecContext {
  const root = noise(32, seed)
  return {
    deriveKey: (label, salt) => new Uint8Array(hkdfSync('sha256', root, salt, `conformance/${label}`, 32)),
    binding: noise(40, 7),
  }
}
