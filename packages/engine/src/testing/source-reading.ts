import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'
import type { Facts, SourceContext, SourceFile, SourceStream } from '../contracts/index.ts'

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

/** Reads the stream from the file that it names, as the threads of the engine do, and closes it. */
export async function readFromFile(
  stream: SourceStream,
  file: SourceFile,
  { hash }: Listening,
): Promise<{ readonly bytes: Uint8Array; readonly facts: Facts }> {
  const bytes = new Uint8Array(stream.bytes!)
  try {
    for (let at = 0; at < bytes.length;) {
      const read = readSync(file.fd, bytes, at, bytes.length - at, at)
      if (read === 0) throw file.failed(at)
      at += read
    }
    const content = file.trailer?.position ?? bytes.length
    hash.update(bytes.subarray(0, content))
    await file.trailer?.verify(bytes.subarray(content))
    hash.update(bytes.subarray(content))
    return { bytes, facts: await stream.end() }
  } finally {
    await stream.close()
  }
}
