import type { Draft } from './draft.ts'
import { unpackState } from './packed-state.ts'
import type { Void } from './payload.ts'

/**
 * Takes a lost entry with exactly these bytes off the list. With a state, which knows what the entry said, that is the state from here
 * on; void as a whole when it is one of another epoch.
 */
export function applyVoid(draft: Draft, payload: Void): void {
  if (payload.state !== undefined) {
    const state = unpackState(payload.state, draft.genesis, draft.head)
    if (state?.epoch !== draft.epoch) return
    const { lost, laterKinds, head, genesis } = draft
    Object.assign(draft, state, { lost, laterKinds, head, genesis })
  }
  const lost = draft.lost.get(payload.n)
  if (lost === undefined || hex(lost.digest ?? new Uint8Array(0)) !== hex(payload.digest)) return
  draft.lost.delete(payload.n)
  if (draft.lost.size === 0) draft.sealedUnder = undefined
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
