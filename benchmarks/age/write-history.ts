import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { directoryStore } from '@kpipe/stage-store-fs'
import { readKeyFile } from '@kpipe/repository'
import { keyRing } from '../../packages/repository/src/keys/key-ring.ts'
import { openSlots } from '../../packages/repository/src/keys/open-slots.ts'
import { encodeEntry, entryDigest, entryName } from '../../packages/repository/src/log/entry.ts'
import type { Payload } from '../../packages/repository/src/log/payload.ts'
import { decodeMarker } from '../../packages/repository/src/marker.ts'
import type { BenchRepository } from '../measure/repository.ts'

/** An entry that was written. */
export interface Written {
  readonly kind: Payload['kind']
  readonly bytes: number
}

/**
 * Writes entries 1 to `last` into the log of a repository that was just made, sealed and chained as kpipe does, but made durable all at once.
 * Of packs there are only names.
 */
export async function writeHistory({ folder }: BenchRepository, payloads: Iterator<Payload>, last: number): Promise<Written[]> {
  const root = join(folder, 'repository')
  const store = directoryStore(root)
  const { repositoryId } = decodeMarker(readFileSync(join(root, 'repository')), root)
  const slots = await openSlots(store, repositoryId, await readKeyFile(join(folder, 'repository.key')))
  const ring = keyRing(repositoryId, [(await slots.learn(1))!])
  let previous: Uint8Array = entryDigest(readFileSync(join(root, entryName(0))))
  const written: Written[] = []
  for (let n = 1; n <= last; n++) {
    const payload = payloads.next().value as Payload
    const bytes = encodeEntry(ring, { n, epoch: 1, previous }, payload)
    written.push({ kind: payload.kind, bytes: bytes.length })
    writeFileSync(join(root, entryName(n)), bytes, { flag: 'wx' })
    previous = entryDigest(bytes)
  }
  // What was written is on its way to the disk, and the fsyncs of what is measured would wait for it.
  execFileSync('sync', ['-f', root])
  return written
}
