/**
 * Frees the memory of an array that nobody reads any more: the collector does not hurry for buffers outside its heap, and a long stream
 * makes thousands of them. What shares its buffer with others is left alone.
 */
export function giveBack(bytes: ArrayBufferView): void {
  if (ownsBuffer(bytes)) bytes.buffer.transfer(0)
}

/** Whether nothing else lies in the buffer: node puts small Buffers into pools, which cannot be moved or freed. */
export function ownsBuffer(bytes: ArrayBufferView): bytes is ArrayBufferView<ArrayBuffer> {
  const { buffer, byteLength } = bytes
  return buffer instanceof ArrayBuffer && (byteLength === buffer.byteLength || byteLength > Buffer.poolSize)
}
