import type { CodecRecord, CodecSecrets, EncodedFrame, StoredFrame } from '@kpipe/engine/contracts'

/** A frame of chunks to be encoded. */
export interface PlainFrame {
  /** In memory of its own, which may be moved to another thread. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly ends: Uint32Array
  readonly pageBytes: number
  readonly codecs: readonly CodecRecord[]
  readonly secrets: CodecSecrets
}

/** Takes frames through codecs, which the repository does not know. Both methods may be called several times at once. */
export interface Recode {
  /**
   * Undoes the codecs of a frame and compares the tags of some of its chunks; these chunks, one after the other.
   * @param slots chunks of the frame, ascending
   * @param tags 16 bytes for each of them
   * @throws KpipeError KPIPE_DAMAGED, KPIPE_STAGE_MISSING
   */
  decode(frame: StoredFrame, slots: Uint32Array, tags: Uint8Array): Promise<Uint8Array>
  encode(frame: PlainFrame): Promise<Pick<EncodedFrame, 'bytes' | 'digest' | 'lengths'>>
}
