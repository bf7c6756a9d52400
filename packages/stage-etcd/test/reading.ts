import { createHash } from 'node:crypto'
import type { KpipeError, SourceContext, SourceStream } from '@kpipe/engine/contracts'
import { source, type EtcdSettings } from '../src/source.ts'

/** Reads streams as the engine does: what is yielded is hashed before the next piece is asked for. */
export interface Reading extends SourceContext {
  readonly warnings: readonly string[]
  /** Bytes that had been taken at each question for the digest. */
  readonly digestAsked: readonly number[]
  readonly taken: number
  open(settings: Partial<EtcdSettings>): Promise<SourceStream>
  take(piece: Uint8Array): void
  all(stream: SourceStream): Promise<Buffer>
}

export function reading(signal: AbortSignal = new AbortController().signal): Reading {
  const hash = createHash('sha256')
  const pieces: Buffer[] = []
  const warnings: string[] = []
  const digestAsked: number[] = []
  let taken = 0
  const self: Reading = {
    signal,
    warnings,
    digestAsked,
    get taken() {
      return taken
    },
    warn: (message) => void warnings.push(message),
    async digestSoFar() {
      digestAsked.push(taken)
      return hash.copy().digest()
    },
    open: (settings) => source.open({ dialTimeout: 5, idleTimeout: 5, maxLag: 1000, evidence: 'asked', ...settings }, self),
    take(piece) {
      hash.update(piece)
      pieces.push(Buffer.from(piece))
      taken += piece.length
    },
    async all(stream) {
      for await (const piece of stream.read()) self.take(piece)
      return Buffer.concat(pieces)
    },
  }
  return self
}

/** Opens and reads to the end; the failure that it meets, wherever that is. */
export async function failureOf(settings: Partial<EtcdSettings>, into: Reading = reading()): Promise<KpipeError> {
  let stream: SourceStream | undefined
  try {
    stream = await into.open(settings)
    await into.all(stream)
  } catch (error) {
    return error as KpipeError
  } finally {
    await stream?.close()
  }
  throw new Error('nothing failed')
}
