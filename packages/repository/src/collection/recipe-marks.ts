import type { Store } from '@kpipe/engine/contracts'
import { TagSet } from '../damage/tag-set.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Places } from '../log/places.ts'
import type { LogState, PackRecord } from '../log/state.ts'
import { markLive } from './open-pack.ts'
import type { OpenPack } from './open-pack.ts'
import { RecipeReader } from './recipe-reader.ts'
import type { ReadPart } from './recipe-reader.ts'

const tagBytes = 16

export interface MarkContext {
  readonly store: Store
  readonly ring: KeyRing
  readonly state: LogState
  readonly open: ReadonlyMap<number, OpenPack>
  /** How many frames are open. */
  readonly frames: number
}

/** Packs that may hold a chunk. Equal lists are one object. */
export interface Candidates {
  readonly packs: readonly PackRecord[]
  readonly open: readonly OpenPack[]
}

/** A part of the recipe before, with where its chunks were found. */
interface MarkedPart {
  readonly read: ReadPart
  /** Of each pack of the part's table. */
  readonly candidates: readonly Candidates[]
  /** For each chunk the number of its frame, plus one; 0 for one that is in no open pack. */
  readonly frames: Uint32Array
}

/** Marks chunks recipe by recipe. What a recipe has in common with the one before is not looked up again. */
export class RecipeMarks {
  readonly context: MarkContext
  readonly reader: RecipeReader
  /** Of which the log says more than their pack. */
  readonly #exceptions: TagSet
  readonly #candidates = new Map<string, Candidates>()
  readonly #seenBy: Uint32Array
  #before: readonly MarkedPart[] = []
  #recipes = 0

  constructor(context: MarkContext) {
    this.context = context
    this.reader = new RecipeReader(context.store, context.ring)
    const { damaged, healed } = context.state
    this.#exceptions = new TagSet([...healed.keys(), ...[...damaged.values()].flatMap(({ tags }) => [...tags])])
    this.#seenBy = new Uint32Array(context.frames)
  }

  /**
   * Marks the chunks of one recipe. Resolves with the plain bytes of all open frames that hold some of them.
   * @param line of a newest snapshot, 0 for any other
   * @param notFound told of candidates that do not have a chunk, or when there are none
   */
  mark(parts: readonly ReadPart[], places: Places, line: number, notFound: (candidates: Candidates, named: string) => void): number {
    this.#before = parts.map((read, at) => this.#markPart(read, places, this.#before[at], line, notFound))
    return this.#plainBytes()
  }

  #markPart(
    read: ReadPart,
    places: Places,
    before: MarkedPart | undefined,
    line: number,
    notFound: (candidates: Candidates, named: string) => void,
  ): MarkedPart {
    const { tags, packs, table, count } = read.part
    const candidates = table.map((id) => this.#candidatesOf(places.of(id)))
    const frames = new Uint32Array(count)
    const own = new BigUint64Array(tags.buffer, tags.byteOffset, count * 2)
    const others = before && new BigUint64Array(before.read.part.tags.buffer, before.read.part.tags.byteOffset, before.read.part.count * 2)
    const common = Math.min(count, before?.read.part.count ?? 0)
    for (let chunk = 0; chunk < count; chunk++) {
      const exception = this.#exceptions.find(tags, chunk * tagBytes)
      const named = table[packs[chunk]]
      const where = exception === undefined ? candidates[packs[chunk]] : this.#candidatesOf(places.ofChunk(named, exception))
      const isSame =
        line === 0 &&
        chunk < common &&
        exception === undefined &&
        own[chunk * 2] === others![chunk * 2] &&
        own[chunk * 2 + 1] === others![chunk * 2 + 1] &&
        before!.candidates[before!.read.part.packs[chunk]] === where
      frames[chunk] = isSame ? before!.frames[chunk] : this.#markChunk(where, tags, chunk, line)
      if (frames[chunk] === 0) notFound(where, named)
    }
    return { read, candidates, frames }
  }

  #markChunk({ open }: Candidates, tags: Uint8Array, chunk: number, line: number): number {
    for (const pack of open) {
      const place = markLive(pack, tags, chunk * tagBytes, line)
      if (place !== undefined) return pack.firstFrame + pack.frameOf[place] + 1
    }
    return 0
  }

  #candidatesOf(packs: readonly PackRecord[]): Candidates {
    const key = packs.map(({ number }) => number).join(' ')
    let known = this.#candidates.get(key)
    if (known === undefined) {
      const open = packs.map(({ number }) => this.context.open.get(number)).filter((pack) => pack !== undefined)
      this.#candidates.set(key, (known = { packs, open }))
    }
    return known
  }

  #plainBytes(): number {
    this.#recipes += 1
    for (const { frames } of this.#before) for (const frame of frames) if (frame > 0) this.#seenBy[frame - 1] = this.#recipes
    let bytes = 0
    for (const { firstFrame, directory } of this.context.open.values()) {
      directory.frames.forEach(({ lengths }, index) => {
        if (this.#seenBy[firstFrame + index] === this.#recipes) bytes += lengths[0]
      })
    }
    return bytes
  }
}
