/** Incompressible bytes, the same at every call with the same seed (xorshift32). */
export function noise(bytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(bytes / 4))
  let state = seed * 0x9e3779b9 + 0x6b706970
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[index] = state
  }
  return new Uint8Array(words.buffer, 0, bytes)
}

/** Lines that compress well and do not repeat. */
export function text(bytes: number): Uint8Array<ArrayBuffer> {
  let whole = ''
  for (let line = 0; whole.length < bytes; line++) whole += `/registry/pods/default/web-${line} is line ${line * 7919}\n`
  return new Uint8Array(Buffer.from(whole)).subarray(0, bytes)
}

/** The same bytes in shared memory, at an odd offset. */
export function shared(bytes: Uint8Array): Uint8Array {
  const view = new Uint8Array(new SharedArrayBuffer(bytes.length + 3), 3)
  view.set(bytes)
  return view
}
