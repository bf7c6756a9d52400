import { directoryStore } from '../../packages/stage-store-fs/src/store-fs.ts'
import { keyRing } from '../../packages/repository/src/keys/key-ring.ts'
import { openSlots } from '../../packages/repository/src/keys/open-slots.ts'
import type { Secret } from '../../packages/repository/src/keys/secret.ts'
import { openEntry } from '../../packages/repository/src/log/entry.ts'
import type { Payload } from '../../packages/repository/src/log/payload.ts'
import { decodeMarker, markerName } from '../../packages/repository/src/marker.ts'

/** All entries of a repository's log, in order, opened without the program. */
export async function logOf(folder: string, secret: Secret): Promise<Payload[]> {
  const store = directoryStore(folder)
  const { repositoryId } = decodeMarker((await store.read(markerName))!, folder)
  const { bundles } = await openSlots(store, repositoryId, secret)
  const ring = keyRing(repositoryId, bundles)
  const payloads: Payload[] = []
  for await (const { name } of store.list('log/')) {
    const entry = openEntry(ring, payloads.length, (await store.read(name))!)
    if (!('payload' in entry)) throw new Error(`${name} does not open: ${entry.reason}`)
    payloads.push(entry.payload)
  }
  return payloads
}
