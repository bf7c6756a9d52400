import type { StoredObject } from '@kpipe/engine/contracts'
import type { PackRecord } from '../log/state.ts'
import type { Leftovers } from './leftovers.ts'
import type { Amount, EndedWriter, PruneReport } from './prune-report.ts'

/** Counts what a collection does. */
export class Tally {
  readonly endedWriters: readonly EndedWriter[]
  readonly attention: string[] = []
  readonly #unknown: string[] = []
  readonly #amounts = { condemned: none, swept: none, waiting: none, leftovers: none, compacted: none, written: none }
  readonly #condemned = new Set<number>()
  waitsForWriters = false
  unusedBytes = 0
  usedBytes = 0
  freedBytes = 0
  endedEarly: string | undefined

  constructor(endedWriters: readonly EndedWriter[]) {
    this.endedWriters = endedWriters
  }

  add(what: 'condemned' | 'swept' | 'compacted' | 'written', things: readonly { readonly bytes: number }[]): void {
    this.#amounts[what] = joined(this.#amounts[what], things)
  }

  /** A sentence, told once. */
  notice(sentence: string): void {
    if (!this.attention.includes(sentence)) this.attention.push(sentence)
  }

  /** Packs that are condemned and stay: those of the last call count. */
  waiting(packs: readonly PackRecord[]): void {
    this.#amounts.waiting = joined(none, packs)
  }

  /** Packs that a COMPACT has condemned are not condemned twice. */
  condemned(packs: readonly PackRecord[]): void {
    const fresh = packs.filter(({ number }) => !this.#condemned.has(number))
    for (const { number } of fresh) this.#condemned.add(number)
    this.add('condemned', fresh)
  }

  leftovers({ ended, unknown }: Leftovers): void {
    this.#amounts.leftovers = joined(this.#amounts.leftovers, ended)
    this.freedBytes += sizeOf(ended)
    this.#unknown.push(...unknown.map(({ name }) => name))
  }

  report(rest: Pick<PruneReport, 'applied' | 'openWriters'>): PruneReport {
    const { endedWriters, waitsForWriters, unusedBytes, usedBytes, freedBytes, attention, endedEarly } = this
    const unknown = this.#unknown
    return { ...rest, endedWriters, ...this.#amounts, waitsForWriters, unknown, unusedBytes, usedBytes, freedBytes, attention, endedEarly }
  }
}

const none: Amount = { objects: 0, bytes: 0 }

function joined({ objects, bytes }: Amount, things: readonly Pick<StoredObject, 'bytes'>[]): Amount {
  return { objects: objects + things.length, bytes: bytes + sizeOf(things) }
}

export function sizeOf(things: readonly Pick<StoredObject, 'bytes'>[]): number {
  return things.reduce((sum, { bytes }) => sum + bytes, 0)
}
