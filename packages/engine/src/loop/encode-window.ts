import type { CodecSecrets, Sink } from '../contracts/index.ts'
import type { EncodeResult, StageReference } from '../workers/messages.ts'
import type { Workers } from '../workers/workers.ts'
import type { FilledFrame, FrameFiller } from './frame-filler.ts'
import type { StageSeconds } from './stage-seconds.ts'

interface PendingFrame {
  readonly frame: Omit<FilledFrame, 'buffer'>
  readonly result: Promise<EncodeResult>
}

/** Frames on their way through the codecs; they reach the sink in the order in which they were begun. */
export class EncodeWindow {
  readonly #workers: Workers
  readonly #codecs: readonly StageReference[]
  readonly #secrets: CodecSecrets
  readonly #pageBytes: number
  readonly #sink: Sink
  readonly #filler: FrameFiller
  readonly #seconds: StageSeconds
  readonly #pending: PendingFrame[] = []
  #bytesEncoded = 0

  constructor(
    workers: Workers,
    codecs: readonly StageReference[],
    secrets: CodecSecrets,
    pageBytes: number,
    filler: FrameFiller,
    sink: Sink,
    seconds: StageSeconds,
  ) {
    this.#workers = workers
    this.#codecs = codecs
    this.#secrets = secrets
    this.#pageBytes = pageBytes
    this.#filler = filler
    this.#sink = sink
    this.#seconds = seconds
  }

  get pending(): number {
    return this.#pending.length
  }

  /** True when no segment may be admitted before a frame is with the sink. */
  get full(): boolean {
    return this.#pending.length >= this.#workers.threads
  }

  get bytesEncoded(): number {
    return this.#bytesEncoded
  }

  begin({ buffer, ...frame }: FilledFrame): void {
    const result = this.#workers.encode({
      kind: 'encode',
      codecs: this.#codecs,
      secrets: this.#secrets,
      buffer,
      bytes: frame.bytes,
      ends: frame.ends,
      pageBytes: this.#pageBytes,
    })
    result.catch(() => {}) // Told by the oldest, when its turn comes.
    this.#pending.push({ frame, result })
  }

  /** Waits until the oldest frame is encoded, or cannot be. */
  async oldest(): Promise<void> {
    await this.#pending[0]!.result
  }

  /** Has the sink take the oldest frame, which is encoded. */
  async storeOldest(): Promise<void> {
    const { frame, result } = this.#pending[0]!
    const { bytes, buffer, digest, lengths, seconds } = await result
    this.#pending.shift()
    if (buffer) this.#filler.reuse(buffer)
    this.#seconds.addAll(seconds)
    this.#bytesEncoded += bytes.length
    const began = performance.now()
    await this.#sink.frame({ ordinal: frame.ordinal, bytes, digest, lengths, tags: frame.tags, ends: frame.ends })
    this.#seconds.add('pack', (performance.now() - began) / 1000)
  }
}
