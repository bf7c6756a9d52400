import { createHash } from 'node:crypto'
import type { PositionedTarget } from '../contracts/index.ts'

const pieceBytes = 1024 * 1024

/** Reads back what a target holds for good, and hashes it, while more is being written to other places. */
export class BackReader {
  readonly #target: PositionedTarget
  readonly #hash = createHash('sha256')
  readonly #pieces = [0, 1].map(() => new Uint8Array(pieceBytes))
  #position = 0
  #to = 0
  #reading: Promise<void> | undefined
  #seconds = 0

  constructor(target: PositionedTarget) {
    this.#target = target
  }

  /** Seconds spent in hashing. */
  get seconds(): number {
    return this.#seconds
  }

  /** All before `to` is written. A read that fails is told by `finish`. */
  advance(to: number): void {
    this.#to = Math.max(this.#to, to)
    if (this.#reading !== undefined || this.#position >= this.#to) return
    this.#reading = this.#readOn()
    this.#reading.catch(() => {}) // `finish` and `stop` wait for it.
  }

  /** SHA-256 of all that the target holds, and how long that is: longer than `bytes` by what lies behind them. */
  async finish(bytes: number): Promise<{ readonly digest: Uint8Array; readonly length: number }> {
    this.advance(bytes)
    await this.#reading
    const more = await this.#target.read(this.#position, this.#pieces[0]!)
    return { digest: this.#hash.digest(), length: this.#position + more }
  }

  /** Reads no more; resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#to = 0
    await this.#reading?.catch(() => {})
  }

  /** One piece is read while the one before is hashed. Ends at `#to`, or where the target does. */
  async #readOn(): Promise<void> {
    let coming = this.#begin(this.#position, 0)
    for (let turn = 1; coming !== undefined; turn++) {
      const piece = await coming
      this.#position += piece.length
      if (piece.length === 0) this.#to = 0
      coming = this.#begin(this.#position, turn % 2)
      const began = performance.now()
      this.#hash.update(piece)
      this.#seconds += (performance.now() - began) / 1000
    }
    this.#reading = undefined
  }

  #begin(position: number, place: number): Promise<Uint8Array> | undefined {
    const length = Math.min(pieceBytes, this.#to - position)
    if (length <= 0) return undefined
    const into = this.#pieces[place]!.subarray(0, length)
    const reading = this.#target.read(position, into).then((count) => into.subarray(0, count))
    reading.catch(() => {}) // Told when its turn comes.
    return reading
  }
}
