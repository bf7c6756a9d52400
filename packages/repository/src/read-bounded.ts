import type { Store } from '@kpipe/engine/contracts'

/** An object of at most so many bytes; `too long` when it has more, which are not read. Undefined when there is none. */
export async function readBounded(store: Store, name: string, mostBytes: number): Promise<Uint8Array | 'too long' | undefined> {
  const bytes = await store.read(name, { offset: 0, length: mostBytes + 1 })
  return bytes !== undefined && bytes.length > mostBytes ? 'too long' : bytes
}
