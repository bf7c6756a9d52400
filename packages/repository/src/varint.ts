/** A column of unsigned LEB128 numbers below 2^53. */
export class VarintWriter {
  #bytes: Buffer = Buffer.allocUnsafe(256)
  #length = 0

  push(value: number): void {
    if (this.#length + 8 > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2)
    while (value > 0x7f) {
      this.#bytes[this.#length++] = (value % 128) | 0x80
      value = Math.floor(value / 128)
    }
    this.#bytes[this.#length++] = value
  }

  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }
}

/** Reads such a column from its begin. Reading past the end throws a RangeError. */
export class VarintReader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#position >= this.#bytes.length
  }

  next(): number {
    let value = 0
    for (let scale = 1; scale < 2 ** 53; scale *= 128) {
      if (this.done) throw new RangeError('a column of numbers ends too early')
      const byte = this.#bytes[this.#position++]
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new RangeError('a column holds a number above 2^53')
  }
}
