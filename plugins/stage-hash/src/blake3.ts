import type { Tagger } from '@kpipe/engine/contracts'
import { tagBytes } from '@kpipe/engine/contracts'

/** BLAKE3 takes a key of 32 bytes: the first half of the tag key. */
const keyBytes = 32

/** Tags are the first 16 bytes of keyed BLAKE3 of the chunk. */
export async function blake3Tagger(): Promise<Tagger> {
  // Loaded for those alone who chose it: its WebAssembly takes longer to load than everything else here.
  const { createBLAKE3 } = await import('hash-wasm')
  // The hasher keeps a view of the key that it was given and reads it at every `init`: a key comes with each call of
  // `tags`, and making a hasher is asynchronous.
  const keyInUse = new Uint8Array(keyBytes)
  const hasher = await createBLAKE3(tagBytes * 8, keyInUse)
  return {
    algorithm: 'blake3',
    tags(bytes, ends, key, out) {
      keyInUse.set(key.subarray(0, keyBytes))
      let start = 0
      for (let i = 0; i < ends.length; i++) {
        out.set(hasher.init().update(bytes.subarray(start, ends[i])).digest('binary'), i * tagBytes)
        start = ends[i]
      }
    },
  }
}
