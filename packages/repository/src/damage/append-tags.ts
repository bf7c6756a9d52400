import { KpipeError } from '@kpipe/engine/contracts'
import type { Log } from '../log/log.ts'
import type { Damaged, Heal } from '../log/payload.ts'
import type { LogState } from '../log/state.ts'
import { encodeTagsByPack } from '../log/tags-by-pack.ts'
import type { TagsByPack } from '../log/tags-by-pack.ts'

/** 1 MiB of tags. */
const tagsPerEntry = 65_536

/** Appends as many entries as these tags need, none when there are none. Resolves with the number of tags. */
export async function appendTags(log: Log, kind: 'DAMAGED' | 'HEAL', tags: TagsByPack): Promise<number> {
  let count = 0
  for (const payload of tagEntries(kind, tags)) {
    // A HEAL with a pack that was swept meanwhile would be void as a whole.
    await log.append(payload, (state) => demandPacks(state, payload.kind, tags))
  }
  for (const list of tags.values()) count += [...list].length
  return count
}

/** In pieces that one entry holds. */
export function tagEntries(kind: 'DAMAGED' | 'HEAL', tags: TagsByPack): (Damaged | Heal)[] {
  const entries: (Damaged | Heal)[] = []
  let [piece, size]: [Map<number, string[]>, number] = [new Map(), 0]
  const close = (): void => {
    if (size > 0) entries.push({ kind, time: Date.now(), ...encodeTagsByPack(piece) })
    ;[piece, size] = [new Map(), 0]
  }
  for (const [number, list] of tags) {
    for (const tag of list) {
      const own = piece.get(number) ?? []
      piece.set(number, own)
      own.push(tag)
      if (++size === tagsPerEntry) close()
    }
  }
  close()
  return entries
}

function demandPacks(state: LogState, kind: 'DAMAGED' | 'HEAL', tags: TagsByPack): void {
  if (kind === 'DAMAGED' || [...tags.keys()].every((number) => state.packs.has(number))) return
  throw new KpipeError('KPIPE_APPEND_LOST', 'a pack that holds lost chunks was removed meanwhile')
}
