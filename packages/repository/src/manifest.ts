import type { CodecRecord, Facts } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import { isManifest } from './manifest-shape.ts'
import { decode, encode } from './msgpack.ts'

/** The largest manifest that a log entry holds; a larger one is a frame of an M pack. */
export const maxInlineManifestBytes = 65_536

/** Name of the stream that the source gave; others are attachments. */
export const databaseStream = 'database'

/** One part of a recipe, and as hints where the frames of its chain lie: itself, its base, the base's base, up to a full part. */
export interface PartReference {
  /** 16 bytes. */
  readonly tag: Uint8Array
  readonly count: number
  /** 14 bytes a link: index into the manifest's `recipe_packs` u16, offset u32, stored bytes u32, epoch u32. */
  readonly chain: Uint8Array
}

export interface ManifestStream {
  /** `database` for what the source gave, which is the first; that of a file that was stored with it for the others. Each has another one. */
  readonly name: string
  readonly bytes: number
  /** SHA-256. */
  readonly digest: Uint8Array
  readonly chunking: string
  readonly page_bytes: number
  readonly chunks: number
  readonly parts: readonly PartReference[]
}

/** What a snapshot is. Its id is the SHA-256 of these bytes as stored. Holds no secrets: the caller leaves them out of settings. */
export interface Manifest {
  readonly name: string
  readonly member: string
  /** Milliseconds since 1970, UTC. */
  readonly time: number
  readonly tool: string
  readonly writer: Uint8Array
  /** 32 bytes. */
  readonly parent: Uint8Array | null
  readonly streams: readonly ManifestStream[]
  /** Pack ids, 16 bytes each, for the chains. */
  readonly recipe_packs: Uint8Array
  readonly facts: Facts
  readonly tags: readonly string[]
  readonly stages: readonly CodecRecord[]
  readonly statistics: Facts
}

export function encodeManifest(manifest: Manifest): Buffer {
  return encode(manifest)
}

/** @throws KpipeError KPIPE_FORMAT_UNSUPPORTED */
export function decodeManifest(bytes: Uint8Array): Manifest {
  try {
    const manifest = decode(bytes)
    if (isManifest(manifest)) return manifest as Manifest
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  throw new KpipeError('KPIPE_FORMAT_UNSUPPORTED', 'a snapshot has a manifest that this kpipe cannot read')
}
