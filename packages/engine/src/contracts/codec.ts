import type { StageBase } from './stage.ts'

/** What a codec may know of the frame it works on. */
export interface FrameShape {
  /** Length of the frame before the first codec. */
  readonly plainBytes: number
  /** Ends of its chunks in the plain bytes. */
  readonly ends: Uint32Array
  /** Length of every chunk but the stream's last, or 0. */
  readonly pageBytes: number
}

/** Turns frames into other bytes and exactly back: compress, seal. Runs on a worker. */
export interface CodecStage<Settings = never> extends StageBase<'codec'> {
  /** True when what leaves `encode` can be read and altered by nobody without the key. */
  readonly seals: boolean
  /** Called once per worker and key epoch. */
  open(settings: Settings, context: CodecContext): Codec | Promise<Codec>
}

export interface CodecContext {
  /**
   * A key of 32 bytes for this package alone.
   * HKDF-SHA256 with the repository's codec key of the frame's epoch; info is the package's name, `/` and `label`.
   */
  deriveKey(label: string, salt: Uint8Array): Uint8Array
  /** What a seal must bind as associated data: format, repository, class, epoch and codecs, in canonical bytes. */
  readonly binding: Uint8Array
}

export interface Codec {
  /** `bytes` are unshared, and the codec's to read until the promise settles. The result is the engine's own from then on. */
  encode(bytes: Uint8Array, shape: FrameShape): Uint8Array | Promise<Uint8Array>
  /**
   * Exact inverse, with the same rules of ownership. `decodedBytes` is what the result must measure: never make more than that.
   * @throws KpipeError KPIPE_DAMAGED when the bytes are not what `encode` made
   */
  decode(bytes: Uint8Array, shape: FrameShape, decodedBytes: number): Uint8Array | Promise<Uint8Array>
}
