export const inspect = String.raw`const lineFeed = 0x0a

/** Reads facts out of the bytes while they pass; they are published with the snapshot. */
export default {
  kind: 'inspect',
  summary: 'counts lines',
  settings: { type: 'object', properties: {}, additionalProperties: false },

  /** Plain data for the worker threads, or undefined when there is nothing to say about this stream. */
  plan: () => ({}),

  /** What one segment says, on a worker thread: a function of its arguments alone. */
  look(bytes) {
    let lines = 0
    for (const byte of bytes) if (byte === lineFeed) lines++
    return new Uint8Array(Float64Array.of(lines).buffer)
  },

  /** Puts the segments together, on the main thread and in order. */
  collect() {
    let lines = 0
    return {
      take(look) {
        lines += new Float64Array(look.slice().buffer)[0]
      },
      conclude: async () => ({ lines }),
    }
  },
}
`
