import type { Store } from '@kpipe/engine/contracts'
import { createObject } from '../create-object.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Payload } from '../log/payload.ts'
import type { LogState } from '../log/state.ts'
import { checkpointName, encodeCheckpoint } from './checkpoint.ts'
import { listCheckpoints } from './list-checkpoints.ts'

/** Whoever appends an entry whose number is a multiple of this writes a checkpoint. */
export const checkpointEvery = 256
/** Older ones are removed: a reader needs one, and another when that was just written and is damaged. */
const keptCheckpoints = 2

export interface CheckpointWriterOptions {
  readonly store: Store
  readonly ring: KeyRing
  /** SHA-256 of entry 0. */
  readonly genesis: Uint8Array
  /** Entries that the store has checkpoints of. */
  readonly checkpoints: readonly number[]
}

/**
 * Writes checkpoints beside the work of those who append. One that cannot be written is left out: readers take an older one, or
 * read the log from entry 0.
 */
export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions
  #known: readonly number[]
  #writing: Promise<void> = Promise.resolve()

  constructor(options: CheckpointWriterOptions) {
    this.#options = options
    this.#known = options.checkpoints
  }

  /** To be told of every entry that this process appended. */
  appended(payload: Payload, state: LogState): void {
    const { n } = state.head
    // After new keys, or a lost entry that was done without, readers pass over older ones; and lost ones are not waited for. Before
    // objects go, what led away from them must not hang on one entry.
    const changes = payload.kind === 'KEY' || payload.kind === 'VOID' || payload.kind === 'SWEEP'
    const newest = Math.max(0, ...this.#known.filter((known) => known < n))
    const due = n % checkpointEvery === 0 || changes || n - newest >= 2 * checkpointEvery
    // Entries that are lost, or not known, may have meant anything.
    if (!due || state.lost.size > 0 || state.laterKinds.size > 0) return
    this.#known = [...this.#known, n]
    // Whatever fails, the log is whole without it, and the next one that is due is written anew.
    this.#writing = this.#writing.then(() => this.#write(state)).catch(() => undefined)
  }

  /** Resolves when nothing is being written any more. Never rejects. */
  settled(): Promise<void> {
    return this.#writing
  }

  async #write(state: LogState): Promise<void> {
    const { store, ring, genesis } = this.#options
    await createObject(store, checkpointName(state.head.n), [await encodeCheckpoint(ring, genesis, state)])
    const [, ...older] = (await listCheckpoints(store)).filter((n) => n <= state.head.n)
    for (const n of older.slice(keptCheckpoints - 1)) await store.remove(checkpointName(n))
  }
}
