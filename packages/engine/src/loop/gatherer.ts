import type { ChunkPlan, InspectCollector, KnownChunks, Sink } from '../contracts/index.ts'
import { giveBack } from '../give-back.ts'
import type { CutResult } from '../workers/messages.ts'
import type { EncodeWindow } from './encode-window.ts'
import type { FrameFiller } from './frame-filler.ts'
import { knownByPosition, knownByTag, notKnown, tagPlaces } from './known.ts'
import { RecentTags } from './recent-tags.ts'
import type { Segment } from './segments.ts'
import type { StageSeconds } from './stage-seconds.ts'

export interface GathererParts {
  readonly plan: ChunkPlan
  readonly known: KnownChunks | undefined
  readonly collector: InspectCollector | undefined
  readonly filler: FrameFiller
  readonly encodes: EncodeWindow
  readonly sink: Sink
  readonly seconds: StageSeconds
}

/** Takes segments that were cut, in the order of the stream: finds what the parent has, and puts the rest into frames. */
export class Gatherer {
  readonly #parts: GathererParts
  readonly #places: Int32Array | undefined
  /** Content-defined chunks repeat inside one stream; pages carry their number and do not. */
  readonly #recent: RecentTags | undefined
  chunks = 0
  chunksFresh = 0
  chunksRemembered = 0
  /** Taken so far. */
  bytes = 0
  bytesFresh = 0

  constructor(parts: GathererParts) {
    const { plan, known } = parts
    this.#parts = parts
    this.#places = known && plan.pageBytes === 0 ? tagPlaces(known) : undefined
    this.#recent = plan.pageBytes > 0 ? undefined : new RecentTags()
  }

  take(segment: Segment, { tags, ends, remembered, look, seconds }: CutResult): void {
    this.#parts.seconds.addAll(seconds)
    const began = performance.now()
    const origins = this.#originsOf(tags, segment.position)
    const comparedAt = performance.now()
    const bytes = new Uint8Array(segment.slot, 0, segment.bytes)
    const lengths = new Uint32Array(ends.length)
    for (let chunk = 0; chunk < ends.length; chunk++) lengths[chunk] = ends[chunk]! - (chunk === 0 ? 0 : ends[chunk - 1]!)
    for (let chunk = 0; chunk < ends.length;) {
      const last = this.#recent ? chunk + 1 : endOfRun(origins, chunk)
      const repeated = origins[chunk] === notKnown ? this.#recent?.find(tags, chunk) : undefined
      if (repeated !== undefined) origins[chunk] = ~repeated
      else if (origins[chunk] === notKnown) {
        this.#addFresh(bytes, ends, tags, chunk, last, origins)
        this.#recent?.add(tags, chunk, ~origins[chunk]!)
      }
      chunk = last
    }
    this.chunks += ends.length
    this.chunksRemembered += remembered
    this.bytes += segment.bytes
    // The arrays but for `ends` are the sink's from here on.
    this.#parts.sink.recipe({ tags, lengths, origins })
    giveBack(ends)
    const gatheredAt = performance.now()
    if (look) this.#parts.collector?.take(look, bytes, segment.position)
    this.#parts.seconds.add('look up', (comparedAt - began) / 1000)
    this.#parts.seconds.add('gather', (gatheredAt - comparedAt) / 1000)
    this.#parts.seconds.add('take looks', (performance.now() - gatheredAt) / 1000)
  }

  /** After the last segment: what is left of the fresh chunks becomes the last frame. */
  finish(): void {
    const last = this.#parts.filler.finish()
    if (last) this.#parts.encodes.begin(last)
  }

  #originsOf(tags: Uint8Array, position: number): Int32Array {
    const { plan, known } = this.#parts
    return plan.pageBytes > 0 ? knownByPosition(tags, known, position / plan.pageBytes) : knownByTag(tags, known, this.#places)
  }

  #addFresh(bytes: Uint8Array, ends: Uint32Array, tags: Uint8Array, first: number, last: number, origins: Int32Array): void {
    const { filler, encodes } = this.#parts
    this.chunksFresh += last - first
    this.bytesFresh += ends[last - 1]! - (first === 0 ? 0 : ends[first - 1]!)
    filler.add(bytes, ends, tags, first, last, origins, (frame) => encodes.begin(frame))
  }
}

/** End of the run of chunks from `first` that are all known, or all fresh. */
function endOfRun(origins: Int32Array, first: number): number {
  const fresh = origins[first] === notKnown
  let last = first + 1
  while (last < origins.length && (origins[last] === notKnown) === fresh) last++
  return last
}
