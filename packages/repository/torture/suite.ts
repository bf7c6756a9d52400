import { dice } from '../test/made-repository.ts'

/** A number of cases, each with one fault, numbered from 1 in an order that follows from the seed. */
export interface Suite {
  readonly name: string
  /** Kinds of faults; each has to fire at least once. */
  readonly kinds: readonly string[]
  run(trial: Trial): Promise<void>
}

/** In which of the first cases of a kind it is sure to fire. */
const firstCases = 5

export interface TrialOptions {
  readonly seed: number
  /** How much of the cases to run, up to 1. */
  readonly share: number
  /** Just this one. */
  readonly only?: number | undefined
}

export interface Failure {
  readonly number: number
  readonly text: string
}

/** One run of a suite: which cases it takes, and what came of them. */
export class Trial {
  readonly seed: number
  readonly failures: Failure[] = []
  readonly fired: Map<string, number>
  readonly #options: TrialOptions
  readonly #first = new Map<string, number>()
  #cases = 0
  #number = 0

  constructor(kinds: readonly string[], options: TrialOptions) {
    this.seed = options.seed
    this.#options = options
    this.fired = new Map(kinds.map((kind) => [kind, 0]))
  }

  get cases(): number {
    return this.#cases
  }

  /** How much of what has no numbered cases is to be done. */
  get share(): number {
    return this.#options.share
  }

  /**
   * The next case's number, or undefined when it is not to be run.
   * @param kind what it may be the first one of: of every kind some case is run, whatever the share
   */
  next(kind?: string): number | undefined {
    const number = ++this.#number
    const { only, share, seed } = this.#options
    const isFirst = kind !== undefined && this.#isFirst(kind)
    const taken = only === undefined ? isFirst || share >= 1 || dice(seed * 7_919 + number)() < share : number === only
    if (!taken) return undefined
    this.#cases += 1
    return number
  }

  /** One more case was run, of a suite that has them from the world and not by number. */
  done(): void {
    this.#cases += 1
  }

  /** One of its first cases, for the very first may come to nothing. */
  #isFirst(kind: string): boolean {
    const before = this.#first.get(kind) ?? 0
    this.#first.set(kind, before + 1)
    return before < firstCases && this.fired.get(kind) === 0
  }

  /** A fault of that kind had an effect. */
  count(kind: string, times = 1): void {
    const before = this.fired.get(kind)
    if (before === undefined) throw new Error(`${kind} is no kind of fault of this suite`)
    this.fired.set(kind, before + times)
  }

  fail(number: number, text: string): void {
    this.failures.push({ number, text })
  }
}

/** Kinds that never fired; when a single case is run, none is missed. */
export function missedKinds({ fired }: Trial, { only }: TrialOptions): string[] {
  return only === undefined ? [...fired].filter(([, times]) => times === 0).map(([kind]) => kind) : []
}
