import type { Store } from '@kpipe/engine/contracts'
import { firstEpoch, keyRing } from '../src/keys/key-ring.ts'
import type { KeyRing } from '../src/keys/key-ring.ts'
import { openSlots } from '../src/keys/open-slots.ts'
import type { OpenedSlots } from '../src/keys/open-slots.ts'
import { beginState, fold } from '../src/log/fold.ts'
import { readGenesis } from '../src/log/log.ts'
import { readLog } from '../src/log/read-log.ts'
import type { LogState, PackRecord } from '../src/log/state.ts'
import { decodeMarker, markerName } from '../src/marker.ts'
import type { Directory } from '../src/packs/directory.ts'
import { readDirectory } from '../src/packs/read-directory.ts'
import { keyFile } from '../test/made-repository.ts'

/** What only the repository itself sees: its keys, the log folded, the directory of each pack. */
export interface Inside {
  readonly ring: KeyRing
  readonly slots: OpenedSlots
  readonly state: LogState
  readonly packs: readonly { readonly pack: PackRecord; readonly directory: Directory }[]
}

export async function insideOf(store: Store): Promise<Inside> {
  const { repositoryId } = decodeMarker((await store.read(markerName))!, store.location)
  const slots = await openSlots(store, repositoryId, keyFile)
  const ring = keyRing(repositoryId, [(await slots.learn(firstEpoch))!])
  for (const bundle of slots.bundles) ring.add(bundle)
  const genesis = await readGenesis(store, ring)
  const state = fold(beginState(genesis), await readLog(store, ring, genesis))
  const packs = await Promise.all(
    [...state.packs.values()].map(async (pack) => ({ pack, directory: await readDirectory(store, ring, pack, 'the suite') })),
  )
  return { ring, slots, state, packs }
}
