import { KpipeError } from '@kpipe/engine/contracts'
import type { CodecRecord, CodecSecrets, Store } from '@kpipe/engine/contracts'
import { beginBackup } from './begin-backup.ts'
import { doubtText, findSnapshot } from './find-snapshot.ts'
import type { Found } from './find-snapshot.ts'
import { formatHead } from './head-memory.ts'
import type { Head } from './head-memory.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { OpenedSlots } from './keys/open-slots.ts'
import { repositoryKeys } from './keys/repository-keys.ts'
import { entryName } from './log/entry.ts'
import type { Log } from './log/log.ts'
import { frameBinding } from './packs/frame-binding.ts'
import { reading } from './reading.ts'
import { recordDrill } from './record-drill.ts'
import { missingHistory } from './rollback-text.ts'
import { openSealedStream, openWhatIsLeft } from './sealed-stream.ts'
import type { Snapshot } from './snapshot.ts'
import type { SnapshotList } from './snapshot-list.ts'
import { checkRepository } from './check/check.ts'
import { newestIntact } from './damage/intact.ts'
import { repairRepository } from './damage/repair.ts'
import { collect } from './collection/collect.ts'
import { forgetSnapshots } from './retention/forget.ts'
import type { Repository, Rollback } from './repository.ts'

export interface RepositoryParts {
  readonly store: Store
  readonly ring: KeyRing
  readonly slots: OpenedSlots
  readonly log: Log
  readonly snapshots: SnapshotList
  readonly rollback: Rollback | undefined
  readonly remember: (head: Head) => Promise<void>
  readonly settled: () => Promise<void>
  readonly stateFolder: string | undefined
  readonly warn: (message: string) => void
}

export function repositoryOf(parts: RepositoryParts): Repository {
  const { store, ring, slots, log, snapshots, rollback, remember, settled, stateFolder, warn } = parts
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
      return beginBackup({ store, ring, log, snapshots, headMoved, stateFolder, warn }, options)
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
