import { createHash } from 'node:crypto'
import type { SourceContext, SourceStream } from '@kpipe/engine/contracts'

/** A context that digests what `readAll` has consumed, as the engine does. */
export function listener(signal = new AbortController().signal) {
  const hash = createHash('sha256')
  const warnings: string[] = []
  let digests = 0
  const context: SourceContext = {
    signal,
    digestSoFar: async () => (digests++, hash.copy().digest()),
    warn: (message) => warnings.push(message),
  }
  return { context, hash, warnings, digests: () => digests }
}

/** Reads a stream to its end; `between` runs after each piece. */
export async function readAll(stream: SourceStream, hash: { update(bytes: Uint8Array): unknown }, between?: () => void) {
  const pieces: Buffer[] = []
  try {
    for await (const piece of stream.read()) {
      hash.update(piece)
      pieces.push(Buffer.from(piece))
      between?.()
    }
    return { bytes: Buffer.concat(pieces), facts: await stream.end() }
  } finally {
    await stream.close()
  }
}

/** Begins like a bbolt file and ends with etcd's trailer. */
export function snapshotOf(bytes: number): Buffer {
  const database = Buffer.alloc(bytes, 'database')
  database.writeUInt32LE(0xed0cdaed, 16)
  return Buffer.concat([database, createHash('sha256').update(database).digest()])
}
