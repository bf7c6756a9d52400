import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { readKeyFile } from '../packages/repository/src/keys/key-file.ts'
import { keyRing } from '../packages/repository/src/keys/key-ring.ts'
import { openSlots } from '../packages/repository/src/keys/open-slots.ts'
import { encodeEntry, entryDigest, entryName } from '../packages/repository/src/log/entry.ts'
import { decodeMarker } from '../packages/repository/src/marker.ts'
import { directoryStore } from '../packages/stage-store-fs/src/store-fs.ts'
import { emptyPlace, type Place } from './support/place.ts'

async function made(t: { after(done: () => void): void }, entries: number): Promise<Place> {
  const place = emptyPlace(t)
  place.pipeline('{ use: file, with: { path: ./stream } }')
  writeFileSync(place.at('stream'), 'what is backed up')
  const { code, stderr } = await place.kpipe(['init', '-c', 'backup.yaml', '--no-recovery-phrase'])
  if (code !== 0) throw new Error(stderr)
  const store = directoryStore(place.at('repository'))
  const { repositoryId } = decodeMarker((await store.read('repository'))!, 'repository')
  const slots = await openSlots(store, repositoryId, await readKeyFile(place.at('repository.key')))
  const ring = keyRing(repositoryId, slots.bundles)
  for (let n = 1; n < entries; n++) {
    const previous = entryDigest((await store.read(entryName(n - 1)))!)
    const nothing = { kind: 'ABORT', time: 0, writer: Buffer.alloc(8), reason: 'nothing was under way' } as const
    writeFileSync(place.at('repository', entryName(n)), encodeEntry(ring, { n, epoch: 1, previous }, nothing))
  }
  return place
}

function checkpoints(place: Place): number[] {
  const folder = place.at('repository', 'checkpoint')
  return existsSync(folder) ? readdirSync(folder).map(Number) : []
}

test('a backup whose entry is the 256th leaves a checkpoint when it ends, and another host reads nothing older', async (t) => {
  const place = await made(t, 255)
  t.equal((await place.kpipe(['run', 'backup.yaml'])).code, 0)
  t.same(checkpoints(place), [256])
  t.equal((await place.kpipe(['check', '-c', 'backup.yaml'])).code, 0)
  rmSync(place.at('repository', entryName(100)))
  const elsewhere = await place.kpipe(['snapshots', '-c', 'backup.yaml', '--json'], { env: { XDG_STATE_HOME: place.at('elsewhere') } })
  t.equal(JSON.parse(elsewhere.stdout).length, 1)
  const checked = await place.kpipe(['check', '-c', 'backup.yaml'])
  t.equal(checked.code, 65)
  t.match(checked.stderr + checked.stdout, entryName(100))
})

test('a checkpoint that cannot be written fails no backup', async (t) => {
  const place = await made(t, 255)
  mkdirSync(place.at('repository', 'checkpoint'))
  mkdirSync(place.at('repository', 'checkpoint', '256'.padStart(20, '0')))
  const { code, stderr } = await place.kpipe(['run', 'backup.yaml'])
  t.equal(code, 0, stderr)
  t.equal(JSON.parse((await place.kpipe(['snapshots', '-c', 'backup.yaml', '--json'])).stdout).length, 1)
})
