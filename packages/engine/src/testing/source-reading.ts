import { createHash, type Hash } from 'node:crypto'
import type { Facts, SourceContext, SourceStream } from '../contracts/index.ts'

/** A context that digests what was taken from the stream, as the engine does. */
export interface Listening extends SourceContext {
  readonly hash: Hash
  readonly warnings: readonly string[]
}

export function listening(options: { readonly signal?: AbortSignal; readonly digest?: Uint8Array } = {}): Listening {
  const hash = createHash('sha256')
  const warnings: string[] = []
  return {
    hash,
    warnings,
    signal: options.signal ?? new AbortController().signal,
    digestSoFar: async () => options.digest ?? hash.copy().digest(),
    warn: (message) => void warnings.push(message),
  }
}

/** Reads a stream to its end, has it confirmed where the source can, and closes it, also when it fails; `between` gets each piece before the next is asked for. */
export async function readAll(
  stream: SourceStream,
  { hash }: Listening,
  between?: (piece: Uint8Array) => unknown,
): Promise<{ readonly bytes: Uint8Array; readonly facts: Facts }> {
  const pieces: Uint8Array[] = []
  try {
    for await (const piece of stream.read()) {
      hash.update(piece)
      pieces.push(Uint8Array.from(piece))
      await between?.(piece)
    }
    const endFacts = await stream.end()
    const confirmed = await stream.confirm?.({ ...stream.facts, ...endFacts })
    return { bytes: new Uint8Array(Buffer.concat(pieces)), facts: { ...endFacts, ...confirmed } }
  } finally {
    await stream.close()
  }
}
