import type { StageBase } from './stage.ts'

/** Plain data, sent to the workers with every segment. */
export interface ChunkPlan {
  /** Names the way of cutting, such as `page/4096`. Only streams of equal plan ids are compared. */
  readonly id: string
  /** Length of every chunk but the last, when all have one length; 0 when cuts follow the content. */
  readonly pageBytes: number
}

/** Cuts a stream into chunks. `plan` and `anchor` run on the main thread, `cut` on a worker. */
export interface ChunkStage<Settings = never, Plan extends ChunkPlan = ChunkPlan> extends StageBase<'chunk'> {
  /** Decides once per stream. `head` holds the stream's first bytes: 64 KiB, or all when it is shorter. */
  plan(head: Uint8Array, settings: Settings): Plan
  /**
   * The last position in `bytes` (0 to its length) where a cut falls whatever came before, so that a segment may
   * end there; 0 when there is none.
   */
  anchor(bytes: Uint8Array, plan: Plan): number
  /** Ends of the chunks (exclusive, ascending); the last is `bytes.length`. No empty chunks. `bytes` may be shared memory. */
  cut(bytes: Uint8Array, plan: Plan): Uint32Array
}
