import type { InspectStage } from '@kpipe/engine/contracts'

/** Counts zero bytes on the workers and positions on the main thread. */
export default {
  kind: 'inspect',
  summary: 'counts zero bytes',
  settings: { type: 'object', properties: {}, additionalProperties: false },
  plan: (head) => (head.every((byte) => byte === 0xff) ? undefined : { zero: 0 }),
  look: (bytes) => Uint8Array.from(new Uint8Array(new Uint32Array([bytes.filter((byte) => byte === 0).length]).buffer)),
  collect() {
    let zeros = 0
    let expected = 0
    let inOrder = true
    return {
      take(look, bytes, position) {
        zeros += new DataView(look.buffer, look.byteOffset).getUint32(0, true)
        inOrder &&= position === expected
        expected += bytes.length
      },
      conclude: async () => ({ zeros, inOrder, inspected: expected }),
    }
  },
} satisfies InspectStage<{ readonly zero: number }>
