import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import type { Log } from '../log/log.ts'
import type { Payload } from '../log/payload.ts'
import type { LogState } from '../log/state.ts'
import { runningSystem } from '../running-system.ts'
import { toolName } from '../snapshot.ts'
import { withReserve } from './reserve.ts'

const maxTries = 64

/** Writes to the log for a collection: OPEN before anything else, ABORT at its end. */
export class Collector {
  readonly writer = randomBytes(8)
  readonly #log: Log
  readonly #store: Store
  #open = false
  #packs = 0

  constructor(log: Log, store: Store) {
    this.#log = log
    this.#store = store
  }

  /** 16 hex digits. */
  get id(): string {
    return this.writer.toString('hex')
  }

  /** Of the next pack. */
  nextCounter(): number {
    return this.#packs++
  }

  /** Open writers without this one. */
  others(state: LogState): { readonly id: string; readonly entry: number }[] {
    return [...state.writers].filter(([id]) => id !== this.id).map(([id, { entry }]) => ({ id, entry }))
  }

  isOpen({ writers }: LogState): boolean {
    return writers.has(this.id)
  }

  async open(): Promise<void> {
    if (this.#open) return
    // Before it is appended: the reply may be lost, and an ABORT too many harms nobody.
    this.#open = true
    const { pid } = process
    const payload = {
      kind: 'OPEN',
      writer: this.writer,
      time: Date.now(),
      tool: toolName,
      host: hostname(),
      boot: runningSystem(),
      pid,
    } as const
    await withReserve(this.#store, () => this.#log.append(payload))
  }

  /**
   * Appends what `decide` makes of the log's state, right behind that state: when others append meanwhile, it decides again.
   * Undefined when it decides that there is nothing to append.
   */
  async append<Decided extends { readonly payload: Payload }>(
    decide: (state: LogState) => Decided | undefined,
  ): Promise<(Decided & { readonly entry: number; readonly bytes: number }) | undefined> {
    for (let attempt = 0; attempt < maxTries; attempt++) {
      if (decide(this.#log.state) === undefined) return undefined
      await this.open()
      const state = this.#log.state
      const decided = decide(state)
      if (decided === undefined) return undefined
      let isOvertaken = false
      try {
        const appended = await withReserve(this.#store, () =>
          this.#log.append(decided.payload, (now) => {
            isOvertaken = now !== state
            if (isOvertaken) throw new KpipeError('KPIPE_APPEND_LOST', 'others appended meanwhile')
          }),
        )
        return { ...decided, entry: appended.n, bytes: appended.bytes }
      } catch (error) {
        if (!isOvertaken) throw error
      }
    }
    const text = `others appended to the log of ${this.#store.location} faster, ${maxTries} times in a row`
    throw new KpipeError('KPIPE_APPEND_LOST', text, { tries: maxTries })
  }

  async end(reason: string): Promise<void> {
    if (!this.#open) return
    this.#open = false
    const payload = { kind: 'ABORT', writer: this.writer, time: Date.now(), reason } as const
    await withReserve(this.#store, () => this.#log.append(payload))
  }
}
