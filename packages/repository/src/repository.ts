import { KpipeError } from '@kpipe/engine/contracts'
import type { CodecRecord, CodecSecrets, SealedStream, Store } from '@kpipe/engine/contracts'
import { beginBackup } from './begin-backup.ts'
import type { BackupWriter, BeginOptions } from './backup.ts'
import { doubtText, findSnapshot } from './find-snapshot.ts'
import type { Found } from './find-snapshot.ts'
import { formatHead } from './head-memory.ts'
import type { Head } from './head-memory.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { OpenedSlots } from './keys/open-slots.ts'
import { repositoryKeys } from './keys/repository-keys.ts'
import type { RepositoryKeys } from './keys/repository-keys.ts'
import { entryName } from './log/entry.ts'
import type { Log } from './log/log.ts'
import { frameBinding } from './packs/frame-binding.ts'
import { reading } from './reading.ts'
import { recordDrill } from './record-drill.ts'
import type { DrillResult } from './record-drill.ts'
import { missingHistory } from './rollback-text.ts'
import { openSealedStream, openWhatIsLeft } from './sealed-stream.ts'
import type { Snapshot } from './snapshot.ts'
import type { SnapshotList } from './snapshot-list.ts'
import { checkRepository } from './check/check.ts'
import type { CheckOptions, CheckReport } from './check/check.ts'
import { newestIntact } from './damage/intact.ts'
import { repairRepository } from './damage/repair.ts'
import type { RepairOptions, RepairReport } from './damage/repair.ts'
import { collect } from './collection/collect.ts'
import type { PruneOptions } from './collection/prune-options.ts'
import type { PruneReport } from './collection/prune-report.ts'
import { forgetSnapshots } from './retention/forget.ts'

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

export interface RepositoryParts {
  readonly store: Store
  readonly ring: KeyRing
  readonly slots: OpenedSlots
  readonly log: Log
  readonly snapshots: SnapshotList
  readonly rollback: Rollback | undefined
  readonly remember: (head: Head) => Promise<void>
  readonly settled: () => Promise<void>
  readonly warn: (message: string) => void
}

export function repositoryOf({ store, ring, slots, log, snapshots, rollback, remember, settled, warn }: RepositoryParts): Repository {
  const secretsOf = (codecs: readonly CodecRecord[], epoch: number): CodecSecrets => ({
    key: ring.workingKey(epoch, 'codecs'),
    binding: frameBinding(ring.repositoryId, 'D', epoch, codecs),
  })
  const unreadableOf = (): string[] => [...snapshots.unreadable.keys()].filter((id) => log.state.snapshots.has(id))
  const lostOf = (): string[] => [
    ...[...log.state.lost.values()].map(({ n, reason }) => `${entryName(n)} at ${store.location} is lost: ${reason}`),
    ...unreadableOf().map((id) => snapshots.unreadable.get(id)!.message),
  ]
  const demandWritable = (): void => {
    if (rollback !== undefined) throw rolledBack(store, rollback)
  }
  const headMoved = async (): Promise<string> => {
    await remember(headOf(log))
    return formatHead(headOf(log))
  }
  const told = new Set<string>()
  const tellDoubt = ({ snapshot, passedOver }: Found, reference: string): void => {
    const last = passedOver.at(-1)
    const newer = passedOver.length === 1 ? 'a newer one' : `${passedOver.length} newer ones, the last of them`
    const sentences = [
      ...(last === undefined ? [] : [`"${reference}" passes over ${newer}: ${doubtText(last)}`]),
      ...(snapshot.doubt === undefined ? [] : [doubtText(snapshot)]),
    ]
    for (const sentence of sentences) if (!told.has(sentence)) warn(sentence)
    for (const sentence of sentences) told.add(sentence)
  }
  const list = (name: string | undefined): Snapshot[] =>
    snapshots.all(log.state).filter((snapshot) => name === undefined || snapshot.name === name)
  return {
    id: Buffer.from(ring.repositoryId).toString('hex'),
    get head() {
      return formatHead(headOf(log))
    },
    location: store.location,
    tagKey: ring.tagKey,
    tagAlgorithm: log.state.genesis.tag_algorithm,
    rollback,
    get lost() {
      return lostOf()
    },
    get unreadable() {
      snapshots.all(log.state) // Manifests in the log are decoded when they are asked for.
      return unreadableOf()
    },
    keys: repositoryKeys({ store, ring, log, slots, demandWritable, headMoved }),
    secrets: (codecs) => secretsOf(codecs, log.state.epoch),
    snapshots: (options = {}) => list(options.name),
    find(reference, options = {}) {
      const byId = /^[0-9a-f]{4,64}$/i.test(reference)
      const all = list(undefined)
      const [lost] = lostOf()
      if (!byId && lost !== undefined) {
        throw new KpipeError(
          'KPIPE_DAMAGED',
          `"${reference}" cannot be told while a part of the history is lost, only an id can: ${lost}`,
          {
            reference,
          },
        )
      }
      const found = findSnapshot(all, reference, options.name)
      tellDoubt(found, reference)
      return found.snapshot
    },
    async refresh() {
      await log.refresh()
      await snapshots.load(log.state)
      if (rollback === undefined) await remember(headOf(log))
    },
    async begin(options) {
      demandWritable()
      const { tag_algorithm: fixed } = log.state.genesis
      if (options.tagAlgorithm !== fixed) {
        const text = `the repository at ${store.location} was made with ${fixed} tags, the pipeline makes ${options.tagAlgorithm} ones`
        throw new KpipeError('KPIPE_PIPELINE_INVALID', text, { repository: fixed, pipeline: options.tagAlgorithm })
      }
      return beginBackup({ store, ring, log, snapshots, headMoved }, options)
    },
    async forget(ids) {
      if (rollback !== undefined) throw rolledBack(store, rollback)
      await forgetSnapshots(log, snapshots, store, ids)
      await remember(headOf(log))
    },
    async recordDrill(id, result) {
      demandWritable()
      await recordDrill(log, id, result)
      await remember(headOf(log))
    },
    async prune(options) {
      if (options.apply === true) demandWritable()
      try {
        return await collect({ store, ring, log, snapshots, secrets: secretsOf }, options)
      } finally {
        if (rollback === undefined) await remember(headOf(log))
      }
    },
    check(options) {
      const rolledBackNow = (): KpipeError | undefined => rollback && rolledBack(store, rollback)
      const headMoved = (): Promise<void> => remember(headOf(log))
      return checkRepository({ store, ring, log, snapshots, secrets: secretsOf, rolledBack: rolledBackNow, headMoved }, options)
    },
    async repair(options) {
      if (options.apply) demandWritable()
      const report = await repairRepository({ store, ring, slots, log, snapshots }, options)
      if (options.apply) await remember(headOf(log))
      return report
    },
    newestIntact: ({ id, name }, without) =>
      newestIntact(
        store,
        ring,
        log.state,
        list(name)
          .filter((snapshot) => snapshot.id !== id)
          .toSorted((one, other) => Number(other.doubt !== undefined) - Number(one.doubt !== undefined)),
        without,
      ),
    reading: (snapshot, work, mayRepeat) => reading(log, snapshot, work, mayRepeat),
    openStream: (snapshot, name) => openSealedStream({ store, ring, state: log.state, secrets: secretsOf }, snapshot, name),
    openWhatIsLeft: (snapshot, name) => openWhatIsLeft({ store, ring, state: log.state, secrets: secretsOf }, snapshot, name),
    settled,
  }
}

export function headOf(log: Log): Head {
  const { n, digest } = log.state.head
  return { n, digest: Buffer.from(digest).toString('hex') }
}

function rolledBack(store: Store, { remembered, seen }: Rollback): KpipeError {
  const text = `the log of ${store.location} shows ${seen}, but this host has seen ${remembered}: its history is older or another one, ${missingHistory({ remembered, seen })}`
  return new KpipeError('KPIPE_ROLLBACK', text, { remembered, seen })
}
