/**
 * Frees the memory of an array that nobody reads any more: the collector does not hurry for buffers outside its heap, and a long stream
 * makes thousands of small ones. Views of a part of a larger buffer are left alone.
 */
export function giveBack({ buffer, byteLength }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength) buffer.transfer(0)
}
