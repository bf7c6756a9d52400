import type { ChunkPlan } from './chunk.ts'
import type { Facts, StageBase } from './stage.ts'

/** Plain data, sent to the workers with every segment. */
export type InspectPlan = Readonly<Record<string, string | number | boolean>>

/** What an earlier look said of the same segment of an earlier stream. */
export interface EarlierLook {
  /** Made by the same version of the stage, with an equal plan. */
  readonly look: Uint8Array
  /** For each chunk of the segment 1 when its bytes are the same as then, else 0. */
  readonly same: Uint8Array
}

/**
 * Reads facts out of the bytes that are stored, while they pass: `look` on the worker that has a segment in its
 * cache, the rest on the main thread.
 */
export interface InspectStage<Plan extends InspectPlan = InspectPlan> extends StageBase<'inspect'> {
  /**
   * Decides by the stream's first bytes (64 KiB, or all) whether it can say something; undefined when not.
   * `secret` are 32 bytes that are the same for all streams of a repository, and that nobody knows who writes to a source.
   */
  plan(head: Uint8Array, chunking: ChunkPlan, secret: Uint8Array): Plan | undefined
  /**
   * What one segment says, as bytes of the stage's own making. A function of its arguments alone.
   * `position` is the segment's place in the stream, in bytes; `bytes` may be shared memory.
   * `earlier` spares the work on what is the same since, and changes nothing of what is said. It is there for chunks of one length only.
   */
  look(bytes: Uint8Array, position: number, plan: Plan, earlier?: EarlierLook): Uint8Array
  /** Made once per stream. */
  collect(plan: Plan): InspectCollector
}

export interface InspectCollector {
  /** In stream order, once per segment. `bytes` are the segment's own and are reused when this returns. */
  take(look: Uint8Array, bytes: Uint8Array, position: number): void
  /** After the last segment. @throws KpipeError KPIPE_BOLT_INVALID when the bytes contradict themselves */
  conclude(): Promise<Facts>
}
