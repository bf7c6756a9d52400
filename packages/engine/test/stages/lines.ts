import type { ChunkStage } from '@kpipe/engine/contracts'

const newline = 10

/** Cuts after every newline: chunks whose length follows the content. */
export default {
  kind: 'chunk',
  summary: 'lines',
  settings: { type: 'object', properties: {}, additionalProperties: false },
  plan: () => ({ id: 'lines', pageBytes: 0 }),
  anchor: (bytes) => bytes.lastIndexOf(newline) + 1,
  cut(bytes) {
    const ends: number[] = []
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) ends.push(at + 1)
    if (ends.at(-1) !== bytes.length && bytes.length > 0) ends.push(bytes.length)
    return Uint32Array.from(ends)
  },
} satisfies ChunkStage<unknown>
