import type { Facts, StageBase } from './stage.ts'

/** Where a stream comes from. Runs on the main thread. */
export interface SourceStage<Settings = never> extends StageBase<'source'> {
  /**
   * Acquires the stream: the far end has answered and has begun to send when this resolves.
   * @throws KpipeError KPIPE_SOURCE_*
   */
  open(settings: Settings, context: SourceContext): Promise<SourceStream>
}

export interface SourceContext {
  /** Aborted when the run ends early: let go of the far end at once. */
  readonly signal: AbortSignal
  /** SHA-256 (32 bytes) of all bytes yielded so far; the engine hashes each stream once and shares the result. */
  digestSoFar(): Promise<Uint8Array>
  /** Something that the user should know and that does not stop the run. */
  warn(message: string): void
}

export interface SourceStream {
  /** Name of the snapshot unless the pipeline gives one: a cluster id in hex, or host and path of a file. */
  readonly name: string
  /** Which copy of the source this is; page numbers of two members do not match. Empty when there is just one. */
  readonly member: string
  /** Exact length of the stream in bytes, where the source knows it beforehand. */
  readonly bytes: number | undefined
  /** What is known before the first byte. */
  readonly facts: Facts
  /** The bytes in order. A piece may be reused by the source as soon as the next one is asked for. */
  read(): AsyncIterable<Uint8Array>
  /**
   * Called once after the last byte: the source has compared its own digest and length by then, or does it now.
   * `trailer_verified` (boolean) tells whether a digest of the source's own was there and matched.
   * @throws KpipeError KPIPE_TRAILER_MISMATCH, KPIPE_SIZE_MISMATCH
   */
  end(): Promise<Facts>
  /** Lets go of the far end. Called exactly once, also after a failure. */
  close(): Promise<void>
}
