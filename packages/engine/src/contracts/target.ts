import type { Facts, StageBase } from './stage.ts'

/** Where restored bytes go. Runs on the main thread. */
export interface TargetStage<Settings = never> extends StageBase<'target'> {
  /** Refuses an existing target. Nothing shows under the target's name before `commit`. @throws KpipeError KPIPE_TARGET_* */
  open(settings: Settings, context: TargetContext): Promise<Target>
}

export interface TargetContext {
  readonly signal: AbortSignal
  /** Exact length of what will be written. */
  readonly bytes: number
  /** What was noted of the snapshot when it was taken, to be read only. Absent where the bytes come without any. */
  readonly facts?: Facts
  /** Something that the user should know and that does not stop the restore. Absent where nobody listens. */
  warn?(message: string): void
  /** What was made of the bytes, as plain data: at most once, when everything shows, before `commit` resolves. Absent where nobody asks. */
  made?(facts: Facts): void
}

export type Target = PositionedTarget | OrderedTarget

interface TargetBase {
  /** Makes what was written visible at once, durably. */
  commit(): Promise<void>
  /** Leaves nothing behind. */
  abort(): Promise<void>
}

export interface PositionedTarget extends TargetBase {
  readonly ordered: false
  /** `bytes` may be reused when this resolves. Called again before, for other places. */
  write(position: number, bytes: Uint8Array): Promise<void>
  /** Fills `into` from what was written; resolves with the count, 0 at the end. Called beside `write`, for places that were written. */
  read(position: number, into: Uint8Array): Promise<number>
  /** Where the engine may write by itself, from any thread, instead of calling `write`. */
  readonly file?: TargetFile
}

export interface TargetFile {
  /** Open until `commit` or `abort`, which are called when no thread writes to it any more. */
  readonly fd: number
  /** Told of what was written without `write`. */
  written(bytes: number): void
  /** What the target says of an error that the operating system had with the file. */
  failed(error: Error): Error
}

export interface OrderedTarget extends TargetBase {
  readonly ordered: true
  /** Pieces in stream order, without gaps. */
  write(position: number, bytes: Uint8Array): Promise<void>
}
