import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import zlib from 'node:zlib'

// Ids, salts and keys of a repository are random, its entries have times, and what is packed comes back from another thread at any
// moment: no two runs would have the same bytes, or make the same calls in the same order. Within a case they follow from its seed.

const real = { randomBytes: crypto.randomBytes, zstdCompress: zlib.zstdCompress, zstdDecompress: zlib.zstdDecompress, now: Date.now }

/** From here on `randomBytes` of this process gives bytes that follow from the seed, its clock goes on a second a look, and zstd never waits. */
export function determineWorld(seed: string): void {
  const key = crypto.createHash('sha256').update(seed).digest().subarray(0, 16)
  const stream = crypto.createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  let now = Date.UTC(2026, 0, 1)
  Date.now = () => (now += 1000)
  crypto.randomBytes = ((size: number) => stream.update(Buffer.alloc(size))) as typeof crypto.randomBytes
  zlib.zstdCompress = atOnce(zlib.zstdCompressSync) as unknown as typeof zlib.zstdCompress
  zlib.zstdDecompress = atOnce(zlib.zstdDecompressSync) as unknown as typeof zlib.zstdDecompress
  syncBuiltinESMExports()
}

export function freeWorld(): void {
  Date.now = real.now
  crypto.randomBytes = real.randomBytes
  zlib.zstdCompress = real.zstdCompress
  zlib.zstdDecompress = real.zstdDecompress
  syncBuiltinESMExports()
}

type Done = (error: unknown, result?: Buffer) => void

function atOnce<Options>(work: (bytes: Uint8Array, options: Options) => Buffer): (bytes: Uint8Array, options: Options, done: Done) => void {
  return (bytes, options, done) => {
    let result: Buffer
    try {
      result = work(bytes, options)
    } catch (error) {
      return done(error)
    }
    done(null, result)
  }
}
