import { createHash } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { operations } from './features.ts'
import type { Requirements } from './features.ts'
import { formatDraft, formatVersion, headerStart, magics } from './format.ts'

export const markerName = 'repository'
const maxMarkerBytes = 4096

export interface Marker {
  /** 16 random bytes. */
  readonly repositoryId: Uint8Array
  readonly requires: Requirements
}

/** Header 12 | repository id 16 | for read, write and collect: count u8, then names (length u8, ASCII) | SHA-256 of all before. */
export function encodeMarker(marker: Marker): Buffer {
  const lists = operations.flatMap((operation) => {
    const names = marker.requires[operation]
    return [Buffer.of(names.length), ...names.flatMap((name) => [Buffer.of(name.length), Buffer.from(name, 'ascii')])]
  })
  const body = Buffer.concat([headerStart(magics.marker), marker.repositoryId, ...lists])
  return Buffer.concat([body, createHash('sha256').update(body).digest()])
}

/** As much of it as a marker may have, and one byte more; undefined when there is none. */
export function readMarker(store: Store): Promise<Uint8Array | undefined> {
  return store.read(markerName, { offset: 0, length: maxMarkerBytes + 1 })
}

/** @throws KpipeError KPIPE_DAMAGED, KPIPE_FORMAT_UNSUPPORTED */
export function decodeMarker(bytes: Uint8Array, location: string): Marker {
  const damaged = (): KpipeError =>
    new KpipeError('KPIPE_DAMAGED', `the marker "${markerName}" at ${location} is damaged: its digest does not match`, {
      object: markerName,
    })
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.length < 12 + 16 + 3 + 32 || view.length > maxMarkerBytes) throw damaged()
  const body = view.subarray(0, -32)
  if (!createHash('sha256').update(body).digest().equals(view.subarray(-32))) throw damaged()
  if (!magics.marker.equals(body.subarray(0, 8))) throw damaged()
  const [format, draft] = [body.readUInt16LE(8), body.readUInt16LE(10)]
  if (format !== formatVersion || draft !== formatDraft) {
    const text = `the repository at ${location} has format ${format} draft ${draft}, this kpipe reads format ${formatVersion} draft ${formatDraft}`
    throw new KpipeError('KPIPE_FORMAT_UNSUPPORTED', text, { format, draft })
  }
  let position = 28
  const name = (): string => {
    const length = body[position]
    position += 1 + length
    return body.toString('ascii', position - length, position)
  }
  const list = (): string[] => Array.from({ length: body[position++] }, name)
  const requires = { read: list(), write: list(), collect: list() }
  if (position !== body.length) throw damaged()
  return { repositoryId: Buffer.from(body.subarray(12, 28)), requires }
}
