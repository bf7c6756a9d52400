/**
 * Frees the memory of bytes that nobody reads any more: the collector does not hurry for buffers outside its heap, and a
 * large backup makes hundreds of them. Small ones may lie in a pool that others use, and are left alone.
 */
export function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && byteLength > Buffer.poolSize) buffer.transfer(0)
}
