import { KpipeError } from '@kpipe/engine/contracts'

/** Something that is not as it was stored. */
export interface Damage {
  /** Name of the object. */
  readonly object: string
  /** What was seen. */
  readonly problem: string
  /** Ids of the live snapshots that need it; none for an object that all of the repository needs. */
  readonly snapshots: readonly string[]
}

/** Damage as it is found, each problem of an object once. */
export class DamageList {
  readonly #found = new Map<string, { object: string; problem: string; snapshots: Set<string> }>()

  add(object: string, problem: string, snapshots: Iterable<string>): void {
    const key = `${object} ${problem}`
    const known = this.#found.get(key) ?? { object, problem, snapshots: new Set<string>() }
    for (const id of snapshots) known.snapshots.add(id)
    this.#found.set(key, known)
  }

  /** Runs `work`; a proof that bytes are wrong is noted, and then there is no result. Any other fault is thrown. */
  async noting<Result>(object: string, snapshots: Iterable<string>, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof KpipeError) || error.exitCode !== 65) throw error
      const named = error.details['object']
      this.add(typeof named === 'string' ? named : object, error.message, snapshots)
      return undefined
    }
  }

  /** By name of the object. */
  all(): Damage[] {
    const list = [...this.#found.values()].map((damage) => ({ ...damage, snapshots: [...damage.snapshots] }))
    return list.toSorted((one, other) => (one.object < other.object ? -1 : 1))
  }
}
