import type { ChunkPlan } from './chunk.ts'

/** Chunks of the parent; the engine only reads them. */
export interface KnownChunks {
  /** Id of the plan that cut them. */
  readonly plan: string
  readonly count: number
  /** 16 bytes a chunk, in stream order. A chunk that is known to be lost has 16 zero bytes, which no chunk has. */
  readonly tags: SharedArrayBuffer
}

/** The chunks of one segment, in order. The arrays are the sink's to keep. */
export interface RecipeSegment {
  /** 16 bytes a chunk. */
  readonly tags: Uint8Array
  /** Length of each chunk, in bytes. */
  readonly lengths: Uint32Array
  /** Where each chunk is: the parent's chunk of that index, or `~ordinal` (negative) of the new frame that holds it. */
  readonly origins: Int32Array
}

/** A frame after the last codec. The arrays are the sink's to keep. */
export interface EncodedFrame {
  /** 0, 1, 2 … as frames were begun; they arrive in this order. */
  readonly ordinal: number
  readonly bytes: Uint8Array
  /** First 16 bytes of SHA-256 of `bytes`. */
  readonly digest: Uint8Array
  /** Length before the first codec, then after each codec; the last is `bytes.length`. */
  readonly lengths: readonly number[]
  /** 16 bytes a chunk, in the frame's order. */
  readonly tags: Uint8Array
  /** Ends of the chunks in the plain bytes. */
  readonly ends: Uint32Array
}

/** A file that goes with a snapshot, after its chunks were stored. */
export interface StoredAttachment {
  /** Of its own among the attachments of a snapshot, and not `database`. */
  readonly name: string
  readonly bytes: number
  /** SHA-256 of its bytes, 32 bytes. */
  readonly digest: Uint8Array
  /** All chunks but the last have the plan's length. */
  readonly plan: ChunkPlan
  /** All its chunks; an empty file has none. */
  readonly recipe: RecipeSegment
}

/** Takes the attachments of a stream that was stored. The repository implements it. */
export interface AttachmentSink {
  /** Chunks of the parent's attachment of that name, if it has exactly these bytes. A chunk that is known to be lost has a tag of zeros. */
  known(name: string, digest: Uint8Array): Promise<KnownChunks | undefined>
  /** Ordinals count from 0, by themselves. A frame may have chunks of several attachments. Resolves when the sink can take another one. */
  frame(frame: EncodedFrame): Promise<void>
  add(attachment: StoredAttachment): void
}

/** Takes what the loop makes of a stream. The repository implements it. */
export interface Sink {
  recipe(segment: RecipeSegment): void
  /** Resolves when the sink can take another one. */
  frame(frame: EncodedFrame): Promise<void>
}
