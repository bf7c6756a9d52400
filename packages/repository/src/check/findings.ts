import type { PackRecord } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'

/** What is wrong with a pack. */
export interface Finding {
  readonly pack: PackRecord
  /** What was seen, each once. */
  readonly problems: ReadonlySet<string>
  /** In hex: chunks that are lost in it. */
  readonly tags: ReadonlySet<string>
  /** Nothing in it can be read. */
  readonly gone: boolean
  /** Offsets of units that cannot be read. */
  readonly units: ReadonlySet<number>
  /** Bytes that no reader needs are not those that were stored. */
  readonly beside: boolean
}

type Draft = { problems: Set<string>; tags: Set<string>; units: Set<number>; pack: PackRecord; gone: boolean; beside: boolean }

/** What a check finds in packs, as it goes. */
export class Findings {
  readonly #found = new Map<number, Draft>()

  /** It is missing, has another size, or no directory. */
  addGone(pack: PackRecord, problem: string): void {
    const draft = this.#of(pack)
    draft.problems.add(problem)
    draft.gone = true
  }

  addFrame(pack: PackRecord, problem: string, tags: Iterable<string>): void {
    const draft = this.#of(pack)
    draft.problems.add(problem)
    for (const tag of tags) draft.tags.add(tag)
  }

  addUnit(pack: PackRecord, problem: string, offset: number): void {
    const draft = this.#of(pack)
    draft.problems.add(problem)
    draft.units.add(offset)
  }

  addBeside(pack: PackRecord, problem: string): void {
    const draft = this.#of(pack)
    draft.problems.add(problem)
    draft.beside = true
  }

  /** Chunks that are lost in a pack, whatever was seen. */
  addTag(pack: PackRecord, tag: string): void {
    this.#of(pack).tags.add(tag)
  }

  /** Forgets what was found in packs that no snapshot uses any more: whoever removed them had the right to. */
  keep(used: ReadonlySet<number>): void {
    for (const number of this.#found.keys()) if (!used.has(number)) this.#found.delete(number)
  }

  /** By name of the object. */
  all(): Map<string, Finding> {
    return new Map([...this.#found.values()].map((finding) => [packName(finding.pack.id), finding]))
  }

  /** Chunks that are lost, in hex, by number of the pack. */
  lost(): Map<number, ReadonlySet<string>> {
    return new Map([...this.#found].filter(([, { tags }]) => tags.size > 0).map(([number, { tags }]) => [number, tags]))
  }

  #of(pack: PackRecord): Draft {
    const draft = this.#found.get(pack.number) ?? {
      pack,
      problems: new Set(),
      tags: new Set(),
      units: new Set(),
      gone: false,
      beside: false,
    }
    this.#found.set(pack.number, draft)
    return draft
  }
}
