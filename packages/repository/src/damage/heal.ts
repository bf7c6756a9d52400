import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Log } from '../log/log.ts'
import type { LogState } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import type { SnapshotList } from '../snapshot-list.ts'
import { appendTags } from './append-tags.ts'
import { damagedObject } from './losses.ts'
import { placedRecipes } from './placed-recipes.ts'
import { TagSet } from './tag-set.ts'

export interface HealContext {
  readonly store: Store
  readonly ring: KeyRing
  readonly log: Log
  readonly snapshots: SnapshotList
  readonly signal?: AbortSignal | undefined
}

/**
 * Looks for these chunks in the packs of other snapshots and appends HEAL for those that are there. Resolves with how many.
 * @param tags in hex: chunks that snapshots have lost
 * @param sizes of the pack objects that the store holds, by name
 */
export async function heal(context: HealContext, tags: ReadonlySet<string>, sizes: ReadonlyMap<string, number>): Promise<number> {
  if (tags.size === 0) return 0
  const { log } = context
  await context.snapshots.load(log.state)
  const found = await findCopies(context, log.state, tags, sizes)
  return appendTags(log, 'HEAL', found)
}

/** By number of a pack that is there: tags that it holds. */
export async function findCopies(
  { store, ring, snapshots, signal }: Omit<HealContext, 'log'>,
  state: LogState,
  tags: ReadonlySet<string>,
  sizes: ReadonlyMap<string, number>,
): Promise<Map<number, string[]>> {
  const wanted = new TagSet(tags)
  const found = new Map<number, string[]>()
  const take = (number: number, tag: string): void => {
    const list = found.get(number) ?? []
    list.push(tag)
    found.set(number, list)
    wanted.delete(tag)
  }
  const isThere = (number: number, tag: string): boolean => {
    const pack = state.packs.get(number)
    return pack !== undefined && sizes.get(packName(pack.id)) === pack.bytes && state.damaged.get(number)?.tags.has(tag) !== true
  }
  // What healed one snapshot may not have been told to another, whose own copy went later.
  for (const tag of tags) {
    const known = state.healed.get(tag)?.find((number) => isThere(number, tag))
    if (known !== undefined) take(known, tag)
  }
  // The newest backup is the one that stored them again.
  for (const snapshot of snapshots.all(state).toReversed()) {
    if (wanted.size === 0) break
    signal?.throwIfAborted()
    try {
      for await (const recipe of placedRecipes(store, ring, state, snapshot)) {
        for (const { packs, partial, chunks } of recipe.groups) {
          // Of several, only their directories tell which one it is.
          if (packs.length !== 1 || partial) continue
          const [{ number }] = packs
          for (const chunk of chunks) {
            const tag = wanted.find(recipe.tags, chunk * 16)
            if (tag !== undefined && isThere(number, tag)) take(number, tag)
          }
        }
      }
    } catch (error) {
      // Who has lost its recipe names no copy.
      if (damagedObject(error) === undefined || !(error instanceof KpipeError)) throw error
    }
  }
  return found
}
