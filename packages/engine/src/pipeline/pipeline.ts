import type { ChunkStage, CodecStage, HashStage, InspectStage, SourceStage, StoreStage } from '../contracts/index.ts'
import type { BackupLimits } from '../loop/limits.ts'
import type { LoadedStage } from '../stages/loaded-stage.ts'
import type { Hooks } from './hooks.ts'
import type { Retention } from './retention.ts'
import type { PipelineKey } from './shape.ts'

/** A pipeline file, checked, with its stages loaded. Paths are absolute. */
export interface Pipeline {
  readonly file: string
  readonly folder: string
  readonly name: string | undefined
  readonly source: LoadedStage<SourceStage>
  /** The list of stages in its order, or the default one; `chunk` to `codecs` are picked from it. */
  readonly stages: readonly LoadedStage[]
  readonly chunk: LoadedStage<ChunkStage>
  readonly hash: LoadedStage<HashStage>
  readonly inspect: LoadedStage<InspectStage> | undefined
  readonly codecs: readonly LoadedStage<CodecStage>[]
  /** Files and folders that are stored with every snapshot, as absolute paths. */
  readonly attach: readonly string[]
  readonly store: LoadedStage<StoreStage>
  readonly key: PipelineKey | undefined
  /** The file says that a list of codecs without a seal is meant. */
  readonly plaintextAccepted: boolean
  readonly limits: Partial<BackupLimits>
  readonly hooks: Hooks
  /** `textfile` is where numbers for node-exporter go. */
  readonly metrics: { readonly textfile: string } | undefined
  readonly retry: Retry
  /** What stays after a backup; undefined: everything. */
  readonly retention: Retention | undefined
  /** Variables of the environment whose values stand in secret settings. */
  readonly secretVariables: readonly string[]
}

/** How often a run tries when source or store fail, and how long it waits in between. */
export interface Retry {
  readonly attempts: number
  readonly delayMs: number
}
