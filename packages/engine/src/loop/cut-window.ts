import type { CutRecipe, CutResult, CutTask } from '../workers/messages.ts'
import type { Workers } from '../workers/workers.ts'
import type { Segment } from './segments.ts'

interface PendingSegment {
  readonly segment: Segment
  readonly result: Promise<CutResult>
}

/** One at work, one waiting. */
const atFirst = 2
/** As many as are cut while one thread encodes a frame: the others, and the main thread, have something to do meanwhile. */
const widened = 4

/** Segments on their way through chunker, hasher and inspector, in the order of the stream. */
export class CutWindow {
  readonly #workers: Workers
  readonly #recipe: CutRecipe
  readonly #pending: PendingSegment[] = []
  #window: number

  constructor(workers: Workers, recipe: CutRecipe) {
    this.#workers = workers
    this.#recipe = recipe
    this.#window = workers.threads * atFirst
  }

  get pending(): number {
    return this.#pending.length
  }

  /** Where there is a parent: segments are done quickly, and frames are few. Without one it takes memory and gains little. */
  widen(): void {
    this.#window = this.#workers.threads * widened
  }

  get full(): boolean {
    return this.#pending.length >= this.#window
  }

  admit(segment: Segment, more: Pick<CutTask, 'from' | 'printKey' | 'earlier'>): void {
    const { slot, bytes, position } = segment
    const result = this.#workers.cut({ kind: 'cut', recipe: this.#recipe, slot, bytes, position, ...more })
    result.catch(() => {}) // Told by the oldest, when its turn comes.
    this.#pending.push({ segment, result })
  }

  /** Waits for the oldest segment and takes it out. */
  async oldest(): Promise<{ segment: Segment; cut: CutResult }> {
    const { segment, result } = this.#pending[0]!
    const cut = await result
    this.#pending.shift()
    return { segment, cut }
  }
}
