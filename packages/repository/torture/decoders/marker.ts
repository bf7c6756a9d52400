import { createHash } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import { decodeMarker, markerName } from '../../src/marker.ts'
import type { KnownRepository } from '../altered-repository.ts'
import type { Decoder } from './decoder.ts'

/** Anybody can make its digest. */
export function markerDecoder({ store }: KnownRepository): Decoder {
  return {
    name: 'marker',
    samples: [Buffer.from(store.objects.get(markerName)!)],
    isMsgpack: false,
    finish: withDigest,
    take: (bytes) => void decodeMarker(bytes, 'a store'),
    isDocumented: (error) => error instanceof KpipeError && ['KPIPE_DAMAGED', 'KPIPE_FORMAT_UNSUPPORTED'].includes(error.code),
  }
}

/** The last 32 bytes become the SHA-256 of those before, mostly. */
export function withDigest(bytes: Buffer, dice: () => number): Buffer {
  if (bytes.length < 32 || dice() < 0.1) return bytes
  const body = bytes.subarray(0, -32)
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}
