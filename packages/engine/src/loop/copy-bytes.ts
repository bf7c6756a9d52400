/**
 * Copies all of `from` to `at` in `to`. `TypedArray.set` takes twice as long where one of them is shared between threads, for it copies
 * word by word.
 */
export function copyBytes(from: Uint8Array, to: Uint8Array, at: number): void {
  Buffer.from(from.buffer, from.byteOffset, from.length).copy(to, at)
}
