import { createHmac } from 'node:crypto'

/** What inspectors plan with, the same for all streams of a repository. Nobody knows it who writes to a source. */
export function inspectSecret(tagKey: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac('sha256', tagKey).update('kpipe/1/inspect').digest())
}
