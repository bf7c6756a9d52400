import { createHash, randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { directoryStore } from '../../packages/stage-store-fs/src/store-fs.ts'
import { readKeyFile } from '../../packages/repository/src/keys/key-file.ts'
import { keyRing } from '../../packages/repository/src/keys/key-ring.ts'
import { openSlots } from '../../packages/repository/src/keys/open-slots.ts'
import { Log, readGenesis } from '../../packages/repository/src/log/log.ts'
import { encodePackNumbers } from '../../packages/repository/src/log/pack-numbers.ts'
import { decodeManifest, encodeManifest } from '../../packages/repository/src/manifest.ts'
import { decodeMarker, markerName } from '../../packages/repository/src/marker.ts'

/**
 * Publishes the newest snapshot of a repository once more, at a time that gives its id the same first four digits.
 * Returns both ids.
 */
export async function publishTwin(folder: string, keyFile: string): Promise<readonly [string, string]> {
  const store = directoryStore(folder)
  const { repositoryId } = decodeMarker((await store.read(markerName))!, folder)
  const ring = keyRing(repositoryId, (await openSlots(store, repositoryId, await readKeyFile(keyFile))).bundles)
  const log = new Log(store, ring, await readGenesis(store, ring))
  await log.refresh()
  const [id, { manifest: stored }] = [...log.state.snapshots].at(-1)!
  if (!(stored instanceof Uint8Array)) throw new Error('the manifest is not in the log')
  const manifest = decodeManifest(stored)
  const twin = encodeManifest(manifest)
  const at = twin.indexOf(bytesOf(manifest.time))
  for (let time = manifest.time + 1; ; time++) {
    bytesOf(time).copy(twin, at)
    const twinId = createHash('sha256').update(twin).digest('hex')
    if (!twinId.startsWith(id.slice(0, 4))) continue
    const writer = randomBytes(8)
    await log.append({ kind: 'OPEN', writer, time, tool: manifest.tool, host: hostname(), boot: '', pid: process.pid })
    const uses = encodePackNumbers([...log.state.packs.keys()].toSorted((one, other) => one - other))
    await log.append({ kind: 'SNAPSHOT', writer, time, packs: [], uses, manifest: twin })
    return [id, twinId]
  }
}

/** As msgpack has a time in milliseconds. */
function bytesOf(time: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(time))
  return bytes
}
