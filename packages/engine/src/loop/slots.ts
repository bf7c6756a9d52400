/** Memory that the threads share, in pieces of one length that are used again. */
export class Slots {
  readonly #bytes: number
  readonly #free: SharedArrayBuffer[] = []

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  take(): SharedArrayBuffer {
    return this.#free.pop() ?? new SharedArrayBuffer(this.#bytes)
  }

  give(slot: SharedArrayBuffer): void {
    this.#free.push(slot)
  }
}
