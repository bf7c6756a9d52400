import { KpipeError } from '@kpipe/engine/contracts'
import { addSlot, removeSlot, rotateKeys, slotIds } from './change-keys.ts'
import type { KeyContext } from './change-keys.ts'
import type { OpenedSlots } from './open-slots.ts'
import type { Secret } from './secret.ts'
import { slotName } from './slot.ts'
import type { SlotKind } from './slot.ts'

/** A key slot that the log lists. */
export interface KeySlot {
  /** 16 hex digits. */
  readonly id: string
  readonly kind: SlotKind
  /** Time of the log entry that brought it. */
  readonly created: Date
  /** Newest epoch whose keys it holds. */
  readonly epoch: number
  /** Whether the secret that opened the repository is its. */
  readonly opened: boolean
}

/** Who may open the repository. What changes it throws KPIPE_ROLLBACK, KPIPE_DAMAGED, KPIPE_APPEND_LOST, KPIPE_STORE_*. */
export interface RepositoryKeys {
  /** The epoch of what is written from now on. */
  readonly epoch: number
  list(): readonly KeySlot[]
  /** To be asked before a secret is made. @throws KpipeError KPIPE_ROLLBACK */
  demandWritable(): void
  /** By a unique prefix of its id, of 4 digits at least. @throws KpipeError KPIPE_USAGE */
  find(prefix: string): KeySlot
  /** Names of objects that the log does not list: what attempts that died have left. They open nothing. */
  unused(): Promise<readonly string[]>
  /** @throws KpipeError KPIPE_USAGE when the secret has a slot already */
  add(secret: Secret): Promise<KeySlot>
  /**
   * Whoever copied the slot and has the secret reads on, until `rotate`. Resolves with names of its objects that could not be removed.
   * @throws KpipeError KPIPE_USAGE for the last one
   */
  remove(id: string): Promise<readonly string[]>
  /** New random roots for all that is written from now on. */
  rotate(): Promise<void>
}

export interface KeysParts extends KeyContext {
  readonly slots: OpenedSlots
  /** @throws KpipeError KPIPE_ROLLBACK */
  readonly demandWritable: () => void
  readonly headMoved: () => Promise<unknown>
}

export function repositoryKeys(parts: KeysParts): RepositoryKeys {
  const { store, log, slots, demandWritable, headMoved } = parts
  const list = (): KeySlot[] => {
    const { slots: records, slotTimes } = log.state
    return slotIds(records).map((id) => {
      const own = records.filter((record) => Buffer.from(record.id).toString('hex') === id)
      const epoch = Math.max(...own.map((record) => record.epoch))
      return { id, kind: own[0].kind, created: new Date(slotTimes.get(id) ?? 0), epoch, opened: slots.opened(id) }
    })
  }
  const find = (prefix: string): KeySlot => {
    const found = list().filter(({ id }) => prefix.length >= 4 && id.startsWith(prefix.toLowerCase()))
    if (found.length === 1) return found[0]
    const seen = found.length === 0 ? 'there is no key slot' : `${found.length} key slots begin with`
    throw new KpipeError('KPIPE_USAGE', `${seen} ${prefix} in the repository at ${store.location}`, { slot: prefix })
  }
  const change = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    demandWritable()
    await log.refresh()
    const result = await work()
    await headMoved()
    return result
  }
  return {
    get epoch() {
      return log.state.epoch
    },
    list,
    demandWritable,
    find,
    async unused() {
      const listed = new Set(log.state.slots.map(({ id, epoch }) => slotName(id, epoch)))
      const names: string[] = []
      for await (const { name } of store.list('keys/')) if (!listed.has(name)) names.push(name)
      return names
    },
    add: (secret) => change(async () => find(await addSlot(parts, secret))),
    remove: (id) => change(() => removeSlot(parts, find(id).id)),
    rotate: () => change(async () => void (await rotateKeys(parts))),
  }
}
