import type { Store } from '@kpipe/engine/contracts'
import { damagedObject } from '../damage/losses.ts'
import { hexTag, placedRecipes } from '../damage/placed-recipes.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { LogState } from '../log/state.ts'
import type { Directory } from '../packs/directory.ts'
import { prefixBytes } from '../packs/directory.ts'
import { PrefixTable } from '../packs/prefix-table.ts'
import type { ChunkGroup } from '../recipes/locate-chunks.ts'
import type { Snapshot } from '../snapshot.ts'
import type { Findings } from './findings.ts'
import type { NeededPack } from './presence.ts'

const tagBytes = 16

/** A pack that is about to be read, with the tags that snapshots name of its chunks. */
export interface OpenedPack extends NeededPack {
  readonly directory: Directory
  readonly table: PrefixTable
  /** 16 bytes a chunk of the pack. */
  readonly tags: Uint8Array
  /** u8 a chunk of the pack: 1 when a snapshot names it. */
  readonly named: Uint8Array
}

export function openedPack(needed: NeededPack, directory: Directory): OpenedPack {
  const chunks = directory.prefixes.length / prefixBytes
  return {
    ...needed,
    directory,
    table: new PrefixTable(directory),
    tags: new Uint8Array(chunks * tagBytes),
    named: new Uint8Array(chunks),
  }
}

/**
 * Writes down which chunks of these packs a snapshot names; those that the directories do not list are lost. A recipe that cannot
 * be read names nothing: that is told by who looks for losses.
 */
export async function nameChunks(
  store: Store,
  ring: KeyRing,
  state: LogState,
  snapshot: Snapshot,
  packs: ReadonlyMap<number, OpenedPack>,
  findings: Findings,
): Promise<void> {
  try {
    for await (const { tags, groups } of placedRecipes(store, ring, state, snapshot)) {
      for (const group of groups) {
        const opened = group.packs.map((pack) => packs.get(pack.number))
        // Of several packs, some may be in another batch.
        if (opened.length > 0 && !opened.includes(undefined)) nameGroup(tags, group, opened as OpenedPack[], findings)
      }
    }
  } catch (error) {
    if (damagedObject(error) === undefined) throw error
  }
}

function nameGroup(tags: Uint8Array, { chunks, partial }: ChunkGroup, opened: readonly OpenedPack[], findings: Findings): void {
  for (const chunk of chunks) {
    const holder = opened.find(({ table }) => table.find(tags, chunk * tagBytes) !== undefined)
    if (holder === undefined) {
      // Of several packs, one that has lost it may be the one that had it.
      if (!partial) findings.addFrame(opened[0].pack, 'its directory does not list a chunk that a recipe names', [hexTag(tags, chunk)])
      continue
    }
    const place = holder.table.find(tags, chunk * tagBytes)!
    holder.named[place] = 1
    holder.tags.set(tags.subarray(chunk * tagBytes, (chunk + 1) * tagBytes), place * tagBytes)
  }
}
