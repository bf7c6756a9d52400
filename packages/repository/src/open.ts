import { KpipeError } from '@kpipe/engine/contracts'
import type { Facts, Store } from '@kpipe/engine/contracts'
import { demandFeatures } from './features.ts'
import { beginLog } from './checkpoint/begin-log.ts'
import { CheckpointWriter } from './checkpoint/checkpoint-writer.ts'
import { listCheckpoints } from './checkpoint/list-checkpoints.ts'
import { formatHead, keysInUse, parseHead, recallHead, rememberHead } from './head-memory.ts'
import type { Head } from './head-memory.ts'
import { firstEpoch, keyRing } from './keys/key-ring.ts'
import { openSlots } from './keys/open-slots.ts'
import type { Secret } from './keys/secret.ts'
import { entryDigest } from './log/entry.ts'
import { Log, readGenesis } from './log/log.ts'
import { decodeMarker, markerName, readMarker } from './marker.ts'
import { headOf, repositoryOf } from './repository-of.ts'
import type { Repository, Rollback } from './repository.ts'
import { SnapshotList } from './snapshot-list.ts'

export interface OpenOptions {
  readonly store: Store
  readonly secret: Secret
  /**
   * Where the newest head seen of each repository is kept, without which an older state of the store goes unnoticed, and in `streams` what
   * makes the next backup of a stream quicker.
   */
  readonly stateFolder?: string | undefined
  /** `<n>:<64 hex>`: an entry that the log must hold. The log's very head overrides what the host remembers. */
  readonly expectHead?: string | undefined
  readonly warn: (message: string) => void
  /**
   * Why a snapshot is not to be taken unasked, by its facts: `disputed: …`. `latest` and times pass over such a one, with a warning, and retention
   * keeps the others as if it were not there.
   */
  readonly doubtOf?: (facts: Facts) => string | undefined
}

/**
 * Reads the marker, the slots, and the log from its newest checkpoint on.
 * @throws KpipeError KPIPE_NO_REPOSITORY, KPIPE_KEY_WRONG, KPIPE_KEY_MALFORMED, KPIPE_DAMAGED, KPIPE_OBJECT_MISSING, KPIPE_FORMAT_UNSUPPORTED, KPIPE_USAGE
 */
export async function openRepository(options: OpenOptions): Promise<Repository> {
  const { store, secret, stateFolder, warn } = options
  const expected = parseExpected(options.expectHead)
  const markerBytes = await readMarker(store)
  if (markerBytes === undefined) throw await noRepository(store)
  const marker = decodeMarker(markerBytes, store.location)
  demandFeatures(marker.requires, 'read', store.location)
  const slots = await openSlots(store, marker.repositoryId, secret)
  const first = await slots.learn(firstEpoch)
  if (first === undefined) throw noFirstEpoch(store, slots.damaged)
  // Further epochs only as the log begins them: what else lies in slots is of attempts that died, or forged.
  const ring = keyRing(marker.repositoryId, [first])
  const genesis = await readGenesis(store, ring)
  if (Buffer.compare(genesis.payload.marker, entryDigest(markerBytes)) !== 0) {
    throw new KpipeError(
      'KPIPE_DAMAGED',
      `the marker "${markerName}" at ${store.location} is not the one that the repository was made with`,
      { object: markerName },
    )
  }
  const id = Buffer.from(ring.repositoryId).toString('hex')
  const remembered = stateFolder === undefined ? undefined : await recallHead(stateFolder, id, warn)
  const checkpoints = await listCheckpoints(store)
  const heads = [remembered, expected].filter((head) => head !== undefined)
  const begin = await beginLog({ store, ring, slots, genesis }, checkpoints, heads)
  const writer = new CheckpointWriter({ store, ring, genesis: genesis.digest, checkpoints })
  const log = new Log(store, ring, genesis, { slots, begin, onAppended: (payload, state) => writer.appended(payload, state) })
  if (begin === undefined) await log.refresh()
  demandFeatures(log.state.requires, 'read', store.location)
  // Manifests in the log are decoded when somebody asks for them, which opening does not.
  let isOpen = false
  const tell = (sentence: string): void => {
    if (isOpen) warn(sentence)
  }
  const snapshots = new SnapshotList(store, ring, tell, options.doubtOf)
  await snapshots.load(log.state)

  const rollback = findRollback(log, remembered, expected)
  const remember = async (head: Head): Promise<void> => {
    const keys = keysInUse(ring, log.state.epoch)
    if (stateFolder !== undefined) await rememberHead(stateFolder, id, { ...head, keys }, warn)
  }
  const isRemembered = headOf(log).digest === remembered?.digest && remembered.keys?.epoch === log.state.epoch
  if (stateFolder !== undefined && remembered === undefined && expected === undefined && headOf(log).n > 0)
    warn(unremembered(store.location, headOf(log)))
  if (rollback === undefined && !isRemembered) await remember(headOf(log))
  const settled = (): Promise<void> => writer.settled()
  const repository = repositoryOf({ store, ring, slots, log, snapshots, rollback, remember, settled, stateFolder, warn })
  for (const sentence of repository.lost) warn(sentence)
  isOpen = true
  return repository
}

/** What to tell where nothing says how far the history reached; not of one that has just begun. */
export function unremembered(location: string, head: Head): string {
  return `no state of ${location} was seen here before, so an older one is not noticed: its history ends at ${formatHead(head)}`
}

/** The first expectation that the log does not meet. */
function findRollback(log: Log, remembered: Head | undefined, expected: Head | undefined): Rollback | undefined {
  const head = headOf(log)
  // Whoever names the very head that is there knows what he does.
  if (expected !== undefined && expected.n === head.n && expected.digest === head.digest) return undefined
  for (const wanted of [expected, remembered]) {
    if (wanted === undefined) continue
    const seen = log.digestOf(wanted.n)
    if (seen === undefined || Buffer.from(seen).toString('hex') !== wanted.digest)
      return { remembered: formatHead(wanted), seen: formatHead(head) }
  }
  return undefined
}

function parseExpected(text: string | undefined): Head | undefined {
  if (text === undefined) return undefined
  const head = parseHead(text)
  if (head === undefined) throw new KpipeError('KPIPE_USAGE', `"${text}" is no head of a log: one is a number, a colon and 64 hex digits`)
  return head
}

function noFirstEpoch(store: Store, damaged: readonly string[]): KpipeError {
  const seen = damaged.length === 0 ? 'it is missing' : `damaged are: ${damaged.join(', ')}`
  const text = `no key slot of that secret at ${store.location} holds the keys of epoch ${firstEpoch}: ${seen}`
  return new KpipeError('KPIPE_DAMAGED', text, { objects: damaged })
}

async function noRepository(store: Store): Promise<KpipeError> {
  for await (const { name } of store.list('log/')) {
    const text = `${store.location} holds ${name} but no marker "${markerName}": an init did not finish, or the marker was lost`
    return new KpipeError('KPIPE_NO_REPOSITORY', text, { location: store.location })
  }
  return new KpipeError('KPIPE_NO_REPOSITORY', `there is no repository at ${store.location}`, { location: store.location })
}
