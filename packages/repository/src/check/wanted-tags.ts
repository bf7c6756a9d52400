import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import { placesOf } from '../log/places.ts'
import type { LogState } from '../log/state.ts'
import type { Directory } from '../packs/directory.ts'
import { prefixBytes } from '../packs/directory.ts'
import { packName } from '../packs/pack-name.ts'
import { PrefixTable } from '../packs/prefix-table.ts'
import { locateChunks } from '../recipes/locate-chunks.ts'
import { readRecipe } from '../recipes/read-recipe.ts'
import { nameOf } from '../snapshot.ts'
import type { Snapshot } from '../snapshot.ts'
import type { DamageList } from './damage.ts'
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

/** Writes down which chunks of these packs a snapshot names, and notes those that the directories do not list. */
export async function nameChunks(
  store: Store,
  ring: KeyRing,
  state: LogState,
  snapshot: Snapshot,
  packs: ReadonlyMap<string, OpenedPack>,
  damages: DamageList,
): Promise<void> {
  const { manifest, id } = snapshot
  const places = placesOf(state, id)
  for (const stream of manifest.streams) {
    const recipe = await damages.noting(`snapshot ${snapshot.shortId}`, [id], () =>
      readRecipe({ store, ring, places }, manifest, stream, nameOf(snapshot)),
    )
    if (recipe === undefined) continue
    const tags = new Uint8Array(recipe.tags)
    for (const group of locateChunks(recipe, places)) {
      if (group.packs.length === 0) damages.add(packName(group.named), `${group.chunks.length} chunks that were in it are lost`, [id])
      const opened = group.packs.map((pack) => packs.get(pack.id))
      // Of several packs, some may be in another batch.
      if (opened.includes(undefined)) continue
      for (const chunk of group.chunks) {
        const pack = opened.find((candidate) => candidate!.table.find(tags, chunk * tagBytes) !== undefined)
        if (pack === undefined) {
          damages.add(packName(group.packs[0].id), 'its directory does not list a chunk that a recipe names', [id])
          continue
        }
        const place = pack.table.find(tags, chunk * tagBytes)!
        pack.named[place] = 1
        pack.tags.set(tags.subarray(chunk * tagBytes, (chunk + 1) * tagBytes), place * tagBytes)
      }
    }
  }
}
