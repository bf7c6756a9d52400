export const hash = String.raw`import { createHash } from 'node:crypto'

const tagBytes = 16

/** Names each chunk by 16 bytes that nobody can guess who does not have the key. Runs on worker threads. */
export default {
  kind: 'hash',
  summary: 'tags chunks with SHA-512',
  settings: { type: 'object', properties: {}, additionalProperties: false },

  open() {
    return {
      algorithm: 'sha512',
      tags(bytes, ends, key, out) {
        let start = 0
        ends.forEach((end, chunk) => {
          const digest = createHash('sha512').update(key).update(bytes.subarray(start, end)).digest()
          out.set(digest.subarray(0, tagBytes), chunk * tagBytes)
          start = end
        })
      },
    }
  },
}
`
