import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { Directory } from '../packs/directory.ts'
import { prefixBytes } from '../packs/directory.ts'
import { packName } from '../packs/pack-name.ts'
import { PrefixTable } from '../packs/prefix-table.ts'
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
  snapshot: Snapshot,
  packs: ReadonlyMap<string, OpenedPack>,
  damages: DamageList,
): Promise<void> {
  const { manifest, id } = snapshot
  for (const stream of manifest.streams) {
    const recipe = await damages.noting(`snapshot ${snapshot.shortId}`, [id], () =>
      readRecipe(store, ring, manifest, stream, nameOf(snapshot)),
    )
    if (recipe === undefined) continue
    const tags = new Uint8Array(recipe.tags)
    const opened = recipe.table.map((pack) => packs.get(pack))
    for (let chunk = 0; chunk < recipe.count; chunk++) {
      const pack = opened[recipe.packs[chunk]]
      if (pack === undefined) continue
      const place = pack.table.find(tags, chunk * tagBytes)
      if (place === undefined) {
        damages.add(packName(pack.pack.id), 'its directory does not list a chunk that a recipe names', [id])
        continue
      }
      pack.named[place] = 1
      pack.tags.set(tags.subarray(chunk * tagBytes, (chunk + 1) * tagBytes), place * tagBytes)
    }
  }
}
