import { KpipeError } from '@kpipe/engine/contracts'
import { isWholeSlot, slotIds } from '../keys/change-keys.ts'
import type { KeyContext } from '../keys/change-keys.ts'
import type { OpenedSlots } from '../keys/open-slots.ts'
import { slotName } from '../keys/slot.ts'

/** Who opens a repository after a repair, when a lost entry may have changed that. */
export interface KeysAfterRepair {
  /** Ids of slots, in hex, that a new epoch begins for: those that the log lists as far as it is there. */
  readonly kept: readonly string[]
  /** Ids of slots that are listed and left out: they were named, or their objects are gone, as after a removal. */
  readonly leftOut: readonly string[]
  /** Slot objects that nothing lists: a lost entry may have added them, or anybody. They open nothing. */
  readonly unlisted: readonly string[]
}

/**
 * Anybody who can damage an entry could otherwise bring back a key that was removed by it: so nothing is assumed silently.
 * @param without ids of slots, or their first digits
 * @throws KpipeError KPIPE_USAGE, KPIPE_KEY_WRONG
 */
export async function keysAfterRepair(
  context: KeyContext & { readonly slots: OpenedSlots },
  without: readonly string[],
): Promise<KeysAfterRepair> {
  const { store, log, slots } = context
  const listed = slotIds(log.state.slots)
  const named = without.map((prefix) => {
    const found = listed.filter((id) => prefix.length >= 4 && id.startsWith(prefix.toLowerCase()))
    if (found.length === 1) return found[0]
    throw new KpipeError('KPIPE_USAGE', `${found.length} key slots begin with ${prefix}`, { slot: prefix })
  })
  const kept: string[] = []
  for (const id of listed) if (!named.includes(id) && (await isWholeSlot(context, id))) kept.push(id)
  if (!kept.some((id) => slots.opened(id))) {
    const text = `the key slot that opened the repository at ${store.location} would not be on the list any more`
    throw new KpipeError('KPIPE_KEY_WRONG', text, { location: store.location })
  }
  const known = new Set(log.state.slots.map(({ id, epoch }) => slotName(id, epoch)))
  const unlisted: string[] = []
  for await (const { name } of store.list('keys/')) if (!known.has(name)) unlisted.push(name)
  return { kept, leftOut: listed.filter((id) => !kept.includes(id)), unlisted }
}
