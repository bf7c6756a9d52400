import assert from 'node:assert/strict'
import { KpipeError } from '@kpipe/engine/contracts'
import type { RecipeSegment } from '@kpipe/engine/contracts'
import type { PartReference } from '../manifest.ts'
import type { RecipePackTable } from './chain.ts'
import type { Recipe } from './read-recipe.ts'
import { Rows } from './rows.ts'
import { writePart } from './write-part.ts'
import type { StorePart } from './write-part.ts'

export interface RecipeWriterOptions {
  /** Length of all chunks but the last, so that lengths go without saying; 0 when they differ. */
  readonly pageBytes: number
  readonly parent: Recipe | undefined
  /** Of the manifest: recipes of all its streams share it. */
  readonly recipePacks: RecipePackTable
  readonly store: StorePart
  /** How many chunks there will be, where that is known. */
  readonly mostChunks?: number
}

export interface WrittenRecipe {
  readonly parts: readonly PartReference[]
  /** Ids of all packs that hold its chunks and the parts of its chains. */
  readonly uses: ReadonlySet<string>
}

/**
 * Writes a recipe while its stream flows, part by part, each in full or as a change to the parent's part of the same place: a part is
 * stored as soon as all frames of its chunks have a pack. So it takes the memory of a few parts, however long the stream is.
 */
export class RecipeWriter {
  readonly #options: RecipeWriterOptions
  /** Pack ids: the parent's, then the writer's own. */
  readonly #table: string[]
  readonly #used: boolean[] = []
  readonly #packOfFrame: number[] = []
  readonly #parts: PartReference[] = []
  readonly #waiting: Rows[] = []
  readonly #free: Rows[] = []
  #open: Rows | undefined
  #storing: Promise<void> = Promise.resolve()
  #isShort = false
  #chunks = 0

  constructor(options: RecipeWriterOptions) {
    this.#options = options
    this.#table = [...(options.parent?.table ?? [])]
  }

  get chunks(): number {
    return this.#chunks
  }

  /** The next chunks. Nothing of the segment is kept. @throws KpipeError KPIPE_STAGE_FAILED for a page of another length */
  add(segment: RecipeSegment): void {
    this.#demandPages(segment.lengths)
    for (let from = 0; from < segment.origins.length;) {
      this.#open ??= this.#free.pop() ?? new Rows(this.#options.mostChunks)
      from += this.#open.take(segment, from)
      if (this.#open.full) this.#close(this.#open)
    }
    this.#chunks += segment.origins.length
  }

  /** The pack that holds the next frame. */
  place(pack: string): void {
    if (this.#table.at(-1) !== pack) this.#table.push(pack)
    this.#packOfFrame.push(this.#table.length - 1)
    this.#storeReady()
  }

  /** Frames that have a pack. */
  get framesPlaced(): number {
    return this.#packOfFrame.length
  }

  /** Id of the pack of a chunk of this origin. */
  packOf(origin: number): string {
    return this.#table[this.#packIndex(origin)]
  }

  /** Resolves when all parts are stored that could be. */
  settled(): Promise<void> {
    return this.#storing
  }

  /** After the last chunk and the last frame. */
  async finish(): Promise<WrittenRecipe> {
    if (this.#open !== undefined) this.#close(this.#open)
    await this.#storing
    assert.equal(this.#waiting.length, 0, 'every chunk is of a frame that has a pack')
    const uses = new Set(this.#table.filter((_, index) => this.#used[index]))
    for (const pack of this.#options.recipePacks.packs) uses.add(pack)
    return { parts: this.#parts, uses }
  }

  #close(rows: Rows): void {
    this.#open = undefined
    this.#waiting.push(rows)
    this.#storeReady()
  }

  #storeReady(): void {
    while (this.#waiting.length > 0 && this.#waiting[0].lastFrame < this.#packOfFrame.length) {
      const rows = this.#waiting.shift()!
      this.#storing = this.#storing.then(() => this.#store(rows))
      this.#storing.catch(() => undefined) // Thrown where it is awaited.
    }
  }

  async #store(rows: Rows): Promise<void> {
    const { packs, origins } = rows
    for (let at = 0; at < origins.length; at++) {
      packs[at] = this.#packIndex(origins[at])
      this.#used[packs[at]] = true
    }
    const { parent, pageBytes, recipePacks, store } = this.#options
    const { tag, chain } = await writePart({ rows, number: this.#parts.length, table: this.#table, regular: pageBytes > 0, parent, store })
    this.#parts.push({ tag, count: rows.count, chain: recipePacks.encode(chain) })
    rows.empty()
    this.#free.push(rows)
  }

  #packIndex(origin: number): number {
    const pack = origin < 0 ? this.#packOfFrame[~origin] : this.#options.parent?.packs[origin]
    assert(pack !== undefined, 'a chunk comes from a frame or a parent chunk that does not exist')
    return pack
  }

  /** Only the last page of a stream may be shorter than the others. */
  #demandPages(lengths: Uint32Array): void {
    const { pageBytes } = this.#options
    if (pageBytes === 0) return
    for (const length of lengths) {
      if (this.#isShort || length > pageBytes)
        throw new KpipeError('KPIPE_STAGE_FAILED', `a stream of pages of ${pageBytes} bytes was cut into other pieces`)
      this.#isShort = length < pageBytes
    }
  }
}
