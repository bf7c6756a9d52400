/**
 * Frees the memory of bytes that nobody reads any more: the collector does not hurry for buffers outside its heap, and a
 * large stream makes thousands of them. Views of a larger buffer, such as the pool of small Buffers, are left alone.
 */
export function giveBack({ buffer, byteLength }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer && (byteLength === buffer.byteLength || byteLength > Buffer.poolSize)) buffer.transfer(0)
}
