/** A codec as a snapshot names it: enough to find it again and undo it. */
export interface CodecRecord {
  /** Package, such as `@kpipe/stage-compress`. */
  readonly stage: string
  readonly version: string
  readonly settings: Readonly<Record<string, unknown>>
}

/** What codecs need besides their settings; differs by key epoch. Crosses to workers as plain data. */
export interface CodecSecrets {
  /** 32 bytes; root of every `deriveKey`. */
  readonly key: Uint8Array
  readonly binding: Uint8Array
}

/** A frame as it lies in a pack, checked against its digest. */
export interface StoredFrame {
  /** Own memory of the receiver: may be moved to another thread. */
  readonly bytes: Uint8Array
  readonly codecs: readonly CodecRecord[]
  readonly secrets: CodecSecrets
  readonly lengths: readonly number[]
  readonly ends: Uint32Array
  readonly pageBytes: number
}

/** A snapshot's stream, to be put together again. The repository implements it. */
export interface SealedStream {
  readonly bytes: number
  /** SHA-256 of the whole stream, 32 bytes. */
  readonly digest: Uint8Array
  readonly chunks: number
  readonly pageBytes: number
  /** Position of chunk i in the stream is `starts(i)`; `starts(chunks)` equals `bytes`. */
  starts(chunk: number): number
  /** 16 bytes a chunk. */
  readonly tags: Uint8Array
  readonly tagKey: Uint8Array
  readonly tagAlgorithm: string
  /** For each chunk the frame that holds it: an index below `frames`, in the order in which frames lie in their packs. */
  readonly frameOf: Uint32Array
  /** For each chunk its index within its frame. */
  readonly slotOf: Uint32Array
  readonly frames: number
  /** @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED */
  load(frame: number): Promise<StoredFrame>
}
