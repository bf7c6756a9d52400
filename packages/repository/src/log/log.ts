import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { maxEntryBytes } from '../bounds.ts'
import { createObject } from '../create-object.ts'
import { demandFeatures } from '../features.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { OpenedSlots } from '../keys/open-slots.ts'
import { encodeEntry, entryDigest, entryName, openEntry } from './entry.ts'
import type { Entry, LostEntry } from './entry.ts'
import { beginState, fold } from './fold.ts'
import { foldVouched } from './fold-vouched.ts'
import type { Genesis, Key, Payload, Void } from './payload.ts'
import { readBounded } from '../read-bounded.ts'
import { readLogInBatches } from './read-log.ts'
import type { LogState } from './state.ts'

const maxAppendTries = 64

/** Where a log goes on from. */
export interface LogBegin {
  readonly state: LogState
  /** SHA-256 of the entries that were read, up to the state's head, by number. */
  readonly digests: ReadonlyMap<number, Uint8Array>
}

export interface LogOptions {
  /** Where the keys of further epochs are had; without it the ring must hold them all. */
  readonly slots?: OpenedSlots | undefined
  /** Default: entry 0. */
  readonly begin?: LogBegin | undefined
  /** Told of each entry that this process has appended, with the state that it led to. Must not throw. */
  readonly onAppended?: ((payload: Payload, state: LogState) => void) | undefined
}

/** The log as this process has read and extended it. */
export class Log {
  readonly #store: Store
  readonly #ring: KeyRing
  readonly #digests: Map<number, Uint8Array>
  readonly #slots: OpenedSlots | undefined
  readonly #onAppended: NonNullable<LogOptions['onAppended']>
  #state: LogState
  #turn: Promise<unknown> = Promise.resolve()

  /** @param genesis entry 0 */
  constructor(store: Store, ring: KeyRing, genesis: Entry & { readonly payload: Genesis }, options: LogOptions = {}) {
    const { slots, begin, onAppended = () => undefined } = options
    this.#slots = slots
    this.#onAppended = onAppended
    this.#store = store
    this.#ring = ring
    this.#state = begin?.state ?? beginState(genesis)
    this.#digests = new Map(begin?.digests ?? [[genesis.n, genesis.digest]])
  }

  get state(): LogState {
    return this.#state
  }

  /** SHA-256 of entry n; undefined above the head, and below the entry from which the log was read. */
  digestOf(n: number): Uint8Array | undefined {
    return this.#digests.get(n)
  }

  /** Folds what others appended. */
  refresh(): Promise<void> {
    return this.#inTurn(() => this.#refresh())
  }

  async #refresh(): Promise<void> {
    const digests = new Map<number, Uint8Array>()
    const learn = (epoch: number): Promise<void> => this.#learn(epoch)
    const batches = this.#noted(readLogInBatches(this.#store, this.#ring, this.#state.head, learn), digests)
    this.#state = await foldVouched(this.#state, batches, { ring: this.#ring, slots: this.#slots }, learn)
    for (const [n, digest] of digests) this.#digests.set(n, digest)
  }

  async *#noted(batches: AsyncIterable<(Entry | LostEntry)[]>, digests: Map<number, Uint8Array>): AsyncGenerator<(Entry | LostEntry)[]> {
    for await (const entries of batches) {
      this.#demandNotVoided(entries)
      for (const entry of entries) digests.set(entry.n, entry.digest ?? new Uint8Array(32))
      yield entries
    }
  }

  /** What this process read whole and a repair gave up has an effect here, and for nobody else. */
  #demandNotVoided(entries: readonly (Entry | LostEntry)[]): void {
    for (const entry of entries) {
      if (!('payload' in entry) || entry.payload.kind !== 'VOID' || entry.payload.state !== undefined) continue
      const { n } = entry.payload
      if (!this.#digests.has(n) || n > this.#state.head.n || this.#state.lost.has(n)) continue
      const text = `a repair took ${entryName(n)} out of the log of ${this.#store.location} while this ran, which had read it`
      throw new KpipeError('KPIPE_APPEND_LOST', text, { object: entryName(n) })
    }
  }

  /** Only epochs that the log has begun are asked for; that it vouches for their slots is verified before anybody sees the state. */
  async #learn(epoch: number): Promise<void> {
    if (this.#ring.knows(epoch)) return
    const bundle = await this.#slots?.learn(epoch)
    // Anybody can seal roots to a public key, but nobody without a key of the repository knows the tag key.
    if (bundle !== undefined && Buffer.compare(bundle.tagKey, this.#ring.tagKey) === 0) this.#ring.add(bundle)
  }

  /**
   * Appends at the head. When others were faster, folds their entries, lets `check` look again whether this one still
   * holds (it throws when not), and tries the next number. Resolves with the entry's number and its bytes.
   * @throws KpipeError KPIPE_APPEND_LOST after 64 tries; KPIPE_DAMAGED, KPIPE_FORMAT_UNSUPPORTED when nothing may be appended
   */
  append(payload: Payload, check: (state: LogState) => void = () => undefined): Promise<{ n: number; bytes: number }> {
    return this.#inTurn(() => this.#append(payload, check, false))
  }

  /** Like `append`, although entries are lost: for what says how to go on without them. */
  appendRepair(payload: Key | Void, check: (state: LogState) => void): Promise<{ n: number; bytes: number }> {
    return this.#inTurn(() => this.#append(payload, check, true))
  }

  /** Several writers of one process share this log: each call sees the state that the one before it left. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work)
    this.#turn = result.catch(() => undefined) // Thrown to the caller who waits for the result.
    return result
  }

  async #append(payload: Payload, check: (state: LogState) => void, repairs: boolean): Promise<{ n: number; bytes: number }> {
    for (let attempt = 0; attempt < maxAppendTries; attempt++) {
      this.demandWritable(repairs)
      check(this.#state)
      const { head, epoch } = this.#state
      // Not had at once when the slot could not be read just after the KEY was appended.
      await this.#learn(epoch)
      const n = head.n + 1
      const bytes = encodeEntry(this.#ring, { n, epoch, previous: head.digest }, payload)
      if (await this.#put(n, bytes)) {
        const entry: Entry = { n, epoch, previous: head.digest, payload, digest: entryDigest(bytes) }
        this.#digests.set(n, entry.digest)
        this.#state = fold(this.#state, [entry])
        await this.#learn(this.#state.epoch)
        this.#onAppended(payload, this.#state)
        return { n, bytes: bytes.length }
      }
      await this.#refresh()
    }
    throw new KpipeError(
      'KPIPE_APPEND_LOST',
      `others appended to the log of ${this.#store.location} faster, ${maxAppendTries} times in a row`,
      {
        tries: maxAppendTries,
      },
    )
  }

  async #put(n: number, bytes: Uint8Array): Promise<boolean> {
    if ((await createObject(this.#store, entryName(n), [bytes])) === 'created') return true
    // The reply to our own success may have been lost.
    const held = await readBounded(this.#store, entryName(n), bytes.length)
    return held instanceof Uint8Array && Buffer.compare(held, bytes) === 0
  }

  /**
   * @param repairs for an entry that only says what lost ones do not
   * @throws KpipeError KPIPE_DAMAGED, KPIPE_FORMAT_UNSUPPORTED when nothing may be appended: what was read is not all that there is
   */
  demandWritable(repairs = false): void {
    const { lost, laterKinds, requires, sealedUnder } = this.#state
    const { location } = this.#store
    for (const { n, reason } of repairs && sealedUnder === undefined ? [] : lost.values()) {
      throw new KpipeError('KPIPE_DAMAGED', `nothing can be appended to the log of ${location}: ${entryName(n)} is lost, ${reason}`, {
        object: entryName(n),
      })
    }
    if (laterKinds.size > 0) {
      const kinds = [...laterKinds]
      throw new KpipeError(
        'KPIPE_FORMAT_UNSUPPORTED',
        `writing to the repository at ${location} needs a newer kpipe, one that knows ${kinds.join(', ')}`,
        { kinds },
      )
    }
    demandFeatures(requires, 'write', location)
  }
}

/** Entry 0. @throws KpipeError KPIPE_DAMAGED, KPIPE_OBJECT_MISSING */
export async function readGenesis(store: Store, ring: KeyRing): Promise<Entry & { readonly payload: Genesis }> {
  const name = entryName(0)
  const bytes = await readBounded(store, name, maxEntryBytes)
  if (bytes === 'too long')
    throw new KpipeError('KPIPE_DAMAGED', `${name} at ${store.location} is damaged: it is too long`, { object: name })
  if (bytes === undefined)
    throw new KpipeError('KPIPE_OBJECT_MISSING', `${name}, the first entry of the log, is missing at ${store.location}`, { object: name })
  const entry = openEntry(ring, 0, bytes)
  if (!('payload' in entry))
    throw new KpipeError('KPIPE_DAMAGED', `${name} at ${store.location} is damaged: ${entry.reason}`, { object: name })
  if (entry.payload.kind !== 'GENESIS')
    throw new KpipeError('KPIPE_DAMAGED', `${name} at ${store.location} is no GENESIS entry`, { object: name })
  return { ...entry, payload: entry.payload }
}
