import type { PackRecord } from '../log/state.ts'
import { giveBack } from '../give-back.ts'
import type { Directory, DirectoryFrame } from '../packs/directory.ts'

const readAhead = 8

interface Indexed {
  /** Of its pack in `packs`. */
  readonly index: number
  readonly directory: Directory
}

/** Hands out the directories of several lots of packs, lot by lot, reading ahead; each is read once and given back after the last lot that needs it. */
export class Directories {
  /** All packs, ascending by number. The frames of one are there once it was handed out. */
  readonly packs: { readonly pack: PackRecord; frames: readonly DirectoryFrame[] }[]
  readonly #lots: readonly (readonly PackRecord[])[]
  readonly #read: (pack: PackRecord) => Promise<Directory>
  readonly #indexes: ReadonlyMap<number, number>
  readonly #lotsLeft = new Map<number, number>()
  readonly #coming = new Map<number, Promise<Indexed>>()
  #handedOut = 0
  #lotsAhead = 0

  constructor(lots: readonly (readonly PackRecord[])[], read: (pack: PackRecord) => Promise<Directory>) {
    this.#lots = lots
    this.#read = read
    const needed = new Map(lots.flat().map((pack) => [pack.number, pack]))
    this.packs = [...needed.values()].toSorted((one, other) => one.number - other.number).map((pack) => ({ pack, frames: [] }))
    this.#indexes = new Map(this.packs.map(({ pack }, index) => [pack.number, index]))
    for (const { number } of lots.flat()) this.#lotsLeft.set(number, (this.#lotsLeft.get(number) ?? 0) + 1)
  }

  /** Those of the next lot, in its order. */
  next(): Promise<Indexed[]> {
    for (; this.#lotsAhead < this.#lots.length && this.#lotsAhead < this.#handedOut + readAhead; this.#lotsAhead++) {
      for (const pack of this.#lots[this.#lotsAhead]) {
        const coming = this.#coming.get(pack.number) ?? this.#begin(pack)
        this.#coming.set(pack.number, coming)
      }
    }
    const lot = this.#lots[this.#handedOut++]
    return Promise.all(lot.map(({ number }) => this.#coming.get(number)!))
  }

  /** The lot that was handed out last is not looked at any more. */
  release(): void {
    for (const { number } of this.#lots[this.#handedOut - 1]) {
      const left = this.#lotsLeft.get(number)! - 1
      this.#lotsLeft.set(number, left)
      if (left > 0) continue
      void this.#coming.get(number)!.then(({ directory }) => giveBack(directory.prefixes))
      this.#coming.delete(number)
    }
  }

  #begin(pack: PackRecord): Promise<Indexed> {
    const index = this.#indexes.get(pack.number)!
    const coming = this.#read(pack).then((directory) => {
      this.packs[index].frames = directory.frames
      return { index, directory }
    })
    coming.catch(() => undefined) // Thrown when its turn comes.
    return coming
  }
}
