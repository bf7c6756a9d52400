import { createCipheriv, createHash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { zstdCompressSync } from 'node:zlib'
import { readFileSync } from 'node:fs'

interface Share {
  readonly bytes: SharedArrayBuffer
  readonly first: number
  readonly step: number
}

const pieceBytes = 4 * 2 ** 20

/**
 * Seconds for a fixed piece of work on the bytes of a file: SHA-256, zstd level 3 and AES-256-GCM of all of it, 4 MiB at a time, with node's own
 * functions on all processors, which have started and warmed up before. Times of another machine, or of a busy one, compare as ratios to it.
 */
export async function fixedWork(file: string): Promise<number> {
  const content = readFileSync(file)
  const bytes = new SharedArrayBuffer(content.length)
  new Uint8Array(bytes).set(content)
  const step = availableParallelism()
  const workers = Array.from(
    { length: step },
    (_, first) => new Worker(import.meta.filename, { workerData: { bytes, first, step } satisfies Share }),
  )
  const all = () =>
    Promise.all(workers.map((worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))))
  await all()
  const began = performance.now()
  for (const worker of workers) worker.postMessage('begin', [])
  await all()
  const seconds = (performance.now() - began) / 1000
  await Promise.all(workers.map((worker) => worker.terminate()))
  return seconds
}

function work(bytes: Uint8Array): number {
  const digest = createHash('sha256').update(bytes).digest()
  const packed = zstdCompressSync(bytes)
  const cipher = createCipheriv('aes-256-gcm', digest, digest.subarray(0, 12))
  return cipher.update(packed).length + cipher.final().length
}

function serve({ bytes, first, step }: Share): void {
  const port = parentPort!
  work(new Uint8Array(bytes, 0, Math.min(pieceBytes, bytes.byteLength)))
  port.once('message', () => {
    let total = 0
    for (let at = first * pieceBytes; at < bytes.byteLength; at += step * pieceBytes) {
      total += work(new Uint8Array(bytes, at, Math.min(pieceBytes, bytes.byteLength - at)))
    }
    port.postMessage(total)
  })
  port.postMessage('ready')
}

if (!isMainThread) serve(workerData as Share)
