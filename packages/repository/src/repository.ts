import type { CodecRecord, CodecSecrets, SealedStream } from '@kpipe/engine/contracts'
import type { BackupWriter, BeginOptions } from './backup.ts'
import type { RepositoryKeys } from './keys/repository-keys.ts'
import type { DrillResult } from './record-drill.ts'
import type { Snapshot } from './snapshot.ts'
import type { CheckOptions, CheckReport } from './check/check.ts'
import type { RepairOptions, RepairReport } from './damage/repair.ts'
import type { PruneOptions } from './collection/prune-options.ts'
import type { PruneReport } from './collection/prune-report.ts'

/** History that this host, or the caller, has seen, and that the store does not show. */
export interface Rollback {
  /** `<n>:<64 hex>` */
  readonly remembered: string
  readonly seen: string
}

export interface Repository {
  /** 32 hex digits. */
  readonly id: string
  /** Newest log entry known: `<n>:<64 hex>`. */
  readonly head: string
  readonly location: string
  /** 64 bytes. */
  readonly tagKey: Uint8Array
  readonly tagAlgorithm: string
  /** Set when the store shows an older or another history: writing is refused, reading goes on with what is there. */
  readonly rollback: Rollback | undefined
  /** Log entries and manifests that are lost, in sentences. Only ids name snapshots then; with a lost entry, writing is refused too. */
  readonly lost: readonly string[]
  /** Ids of snapshots that are in no list, for their manifest cannot be read. They can be forgotten. */
  readonly unreadable: readonly string[]
  readonly keys: RepositoryKeys
  /** For frames of the newest epoch. */
  secrets(codecs: readonly CodecRecord[]): CodecSecrets
  /** Those that are not forgotten, oldest first. */
  snapshots(options?: { readonly name?: string | undefined }): readonly Snapshot[]
  /** @throws KpipeError KPIPE_UNKNOWN_SNAPSHOT, KPIPE_AMBIGUOUS_SNAPSHOT, KPIPE_DAMAGED; see find-snapshot.ts */
  find(reference: string, options?: { readonly name?: string | undefined }): Snapshot
  /** Reads what others have appended. */
  refresh(): Promise<void>
  /** @throws KpipeError KPIPE_ROLLBACK, KPIPE_DAMAGED, KPIPE_FORMAT_UNSUPPORTED, KPIPE_PIPELINE_INVALID, KPIPE_APPEND_LOST, KPIPE_STORE_* */
  begin(options: BeginOptions): Promise<BackupWriter>
  /**
   * Takes snapshots out of every list; `retention/choose.ts` says which. Their space stays in use until it is collected.
   * @param ids 64 hex digits each, not the newest of a name, nor the newest that a drill has proven
   * @throws KpipeError KPIPE_USAGE, KPIPE_ROLLBACK, KPIPE_DAMAGED, KPIPE_FORMAT_UNSUPPORTED, KPIPE_APPEND_LOST, KPIPE_STORE_*
   */
  forget(ids: readonly string[]): Promise<void>
  /**
   * Notes what a restore for trial made of a snapshot. Of a name, the newest snapshot that booted stays whatever the policy.
   * @param id 64 hex digits
   * @throws KpipeError KPIPE_UNKNOWN_SNAPSHOT, KPIPE_ROLLBACK, KPIPE_DAMAGED, KPIPE_FORMAT_UNSUPPORTED, KPIPE_APPEND_LOST, KPIPE_STORE_*
   */
  recordDrill(id: string, result: DrillResult): Promise<void>
  /**
   * Gives back the space of what no snapshot uses, beside backups that run. Changes nothing without `apply`.
   * @throws KpipeError KPIPE_USAGE, KPIPE_ROLLBACK, KPIPE_DAMAGED, KPIPE_FORMAT_UNSUPPORTED, KPIPE_APPEND_LOST, KPIPE_STORE_*, KPIPE_STAGE_*
   */
  prune(options: PruneOptions): Promise<PruneReport>
  /** @throws KpipeError KPIPE_STORE_*, KPIPE_STAGE_*; damage is in the report */
  check(options: CheckOptions): Promise<CheckReport>
  /**
   * Makes the repository writable again when log entries are lost, and has snapshots find chunks that other packs hold.
   * @throws KpipeError KPIPE_USAGE, KPIPE_ROLLBACK, KPIPE_DAMAGED, KPIPE_KEY_WRONG, KPIPE_FORMAT_UNSUPPORTED, KPIPE_APPEND_LOST, KPIPE_STORE_*
   */
  repair(options: RepairOptions): Promise<RepairReport>
  /**
   * The newest other snapshot of the same name whose packs are all there with their sizes; one in doubt only when there is no other.
   * @param without name of an object that it must not need
   */
  newestIntact(instead: Snapshot, without?: string): Promise<Snapshot | undefined>
  /** Runs `work`, which reads a snapshot, again when a collection has moved what it misses; see reading.ts. */
  reading<Result>(snapshot: Snapshot, work: () => Promise<Result>, mayRepeat?: () => boolean): Promise<Result>
  /**
   * @param name of an attachment; default: the database
   * @throws KpipeError KPIPE_USAGE when it has none of that name, KPIPE_OBJECT_MISSING, KPIPE_DAMAGED
   */
  openStream(snapshot: Snapshot, name?: string): Promise<SealedStream>
  /**
   * The same of a snapshot that is not whole: what is lost is told when its frame is loaded.
   * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED when its recipe is lost
   */
  openWhatIsLeft(snapshot: Snapshot, name?: string): Promise<SealedStream>
  /** Resolves when nothing is written any more beside what was asked for. To be awaited before the process ends; never rejects. */
  settled(): Promise<void>
}
