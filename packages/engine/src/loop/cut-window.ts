import type { InspectCollector, Sink } from '../contracts/index.ts'
import { type CutRecipe, type CutResult, notKnown } from '../workers/messages.ts'
import type { Workers } from '../workers/workers.ts'
import type { EncodeWindow } from './encode-window.ts'
import type { FrameFiller } from './frame-filler.ts'
import { RecentTags } from './recent-tags.ts'
import type { Segment, Segmenter } from './segments.ts'
import type { StageSeconds } from './stage-seconds.ts'

interface PendingSegment {
  readonly segment: Segment
  readonly result: Promise<CutResult>
}

/** Segments on their way through chunker and hasher; what comes of them is taken in the order of the stream. */
export class CutWindow {
  readonly #workers: Workers
  readonly #recipe: CutRecipe
  readonly #segmenter: Segmenter
  readonly #collector: InspectCollector | undefined
  readonly #encodes: EncodeWindow
  readonly #filler: FrameFiller
  readonly #sink: Sink
  readonly #seconds: StageSeconds
  readonly #pending: PendingSegment[] = []
  readonly #window: number
  /** Content-defined chunks repeat inside one stream; pages carry their number and do not. */
  readonly #recent: RecentTags | undefined
  chunks = 0
  chunksFresh = 0
  bytesFresh = 0

  constructor(
    workers: Workers,
    recipe: CutRecipe,
    segmenter: Segmenter,
    collector: InspectCollector | undefined,
    filler: FrameFiller,
    encodes: EncodeWindow,
    sink: Sink,
    seconds: StageSeconds,
  ) {
    this.#workers = workers
    this.#recipe = recipe
    this.#segmenter = segmenter
    this.#collector = collector
    this.#encodes = encodes
    this.#filler = filler
    this.#sink = sink
    this.#seconds = seconds
    // Every thread has a segment at work and one waiting; one more is being filled.
    this.#window = workers.threads * 2
    this.#recent = recipe.plan.pageBytes > 0 ? undefined : new RecentTags()
  }

  get pending(): number {
    return this.#pending.length
  }

  get full(): boolean {
    return this.#pending.length >= this.#window
  }

  admit(segment: Segment): void {
    const { slot, bytes, position } = segment
    const result = this.#workers.cut({ kind: 'cut', recipe: this.#recipe, slot, bytes, position })
    result.catch(() => {}) // Told by settleOldest, when its turn comes.
    this.#pending.push({ segment, result })
  }

  async settleOldest(): Promise<void> {
    const { segment, result } = this.#pending[0]!
    const cut = await result
    this.#pending.shift()
    this.#seconds.addAll(cut.seconds)
    const began = performance.now()
    this.#take(segment, cut)
    this.#seconds.add('gather', (performance.now() - began) / 1000)
    this.#segmenter.release(segment)
  }

  /** After the last segment: what is left of the fresh chunks becomes the last frame. */
  finish(): void {
    const last = this.#filler.finish()
    if (last) this.#encodes.begin(last)
  }

  #take(segment: Segment, { tags, ends, known, look }: CutResult): void {
    const bytes = new Uint8Array(segment.slot, 0, segment.bytes)
    const lengths = new Uint32Array(ends.length)
    for (let chunk = 0; chunk < ends.length; chunk++) lengths[chunk] = ends[chunk]! - (chunk === 0 ? 0 : ends[chunk - 1]!)
    for (let chunk = 0; chunk < ends.length;) {
      const last = this.#recent ? chunk + 1 : endOfRun(known, chunk)
      const repeated = known[chunk] === notKnown ? this.#recent?.find(tags, chunk) : undefined
      if (repeated !== undefined) known[chunk] = ~repeated
      else if (known[chunk] === notKnown) {
        this.#addFresh(bytes, ends, tags, chunk, last, known)
        this.#recent?.add(tags, chunk, ~known[chunk]!)
      }
      chunk = last
    }
    this.chunks += ends.length
    this.#sink.recipe({ tags, lengths, origins: known })
    if (look) this.#collector?.take(look, bytes, segment.position)
  }

  #addFresh(bytes: Uint8Array, ends: Uint32Array, tags: Uint8Array, first: number, last: number, origins: Int32Array): void {
    this.chunksFresh += last - first
    this.bytesFresh += ends[last - 1]! - (first === 0 ? 0 : ends[first - 1]!)
    this.#filler.add(bytes, ends, tags, first, last, origins, (frame) => this.#encodes.begin(frame))
  }
}

/** End of the run of chunks from `first` that are all known, or all fresh. */
function endOfRun(known: Int32Array, first: number): number {
  const fresh = known[first] === notKnown
  let last = first + 1
  while (last < known.length && (known[last] === notKnown) === fresh) last++
  return last
}
