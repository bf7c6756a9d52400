import { randomBytes } from 'node:crypto'
import { copyFileSync, cpSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { keyRing } from '../../packages/repository/src/keys/key-ring.ts'
import { readKeyFile } from '../../packages/repository/src/keys/key-file.ts'
import { openSlots } from '../../packages/repository/src/keys/open-slots.ts'
import { openBundle, openSlotKey, readSlot } from '../../packages/repository/src/keys/slot.ts'
import { entryName, openEntry } from '../../packages/repository/src/log/entry.ts'
import { decodeMarker, readMarker } from '../../packages/repository/src/marker.ts'
import { directoryHeader, packFooterBytes, packHeader } from '../../packages/repository/src/packs/pack-builder.ts'
import { openUnit } from '../../packages/repository/src/sealed-unit.ts'
import { directoryStore } from '../../packages/stage-store-fs/src/store-fs.ts'
import { historian, type Historian } from '../support/history.ts'
import { filesUnder } from '../support/place.ts'

const limit = { timeout: 120_000 }

const first = randomBytes(2_000_000)

/** A stream that changes in one place. */
function input(at: Historian, changed: number): void {
  writeFileSync(at.at('input'), Buffer.from(first).fill(changed, 1_000_000, 1_000_000 + changed))
}

/** What a thief makes of a repository with an old key file, without asking the log what it vouches for. */
async function thief(folder: string, keyFile: string) {
  const store = directoryStore(folder)
  const { repositoryId } = decodeMarker((await readMarker(store))!, folder)
  const secret = await readKeyFile(keyFile)
  const { bundles } = await openSlots(store, repositoryId, secret)
  // He tries the keys that he has for every epoch there is.
  const [known] = bundles
  const rings = [keyRing(repositoryId, bundles), ...[2, 3, 4].map((epoch) => keyRing(repositoryId, [{ ...known, epoch }]))]
  return {
    epochs: bundles.map(({ epoch }) => epoch),
    async opensEntry(n: number): Promise<boolean> {
      const bytes = (await store.read(entryName(n)))!
      return rings.some((ring) => 'payload' in openEntry(ring, n, bytes))
    },
    async opensDirectory(pack: string): Promise<boolean> {
      const object = Buffer.from((await store.read(`packs/${pack}`))!)
      const [length, epoch] = [object.readUInt32LE(object.length - 16), object.readUInt32LE(object.length - 12)]
      const sealed = object.subarray(object.length - packFooterBytes - length, object.length - packFooterBytes)
      const packClass = object[12] === 0x44 ? 'D' : 'M'
      const header = directoryHeader(packHeader(packClass, pack.slice(3), repositoryId), epoch)
      return rings.some((ring) => ring.knows(epoch) && typeof openUnit(ring.workingKey(epoch, 'directory'), header, sealed) !== 'string')
    },
    async opensSlot(name: string): Promise<boolean> {
      const { slot } = (await readSlot(store, repositoryId, `keys/${name}`))!
      const privateKey = openSlotKey(repositoryId, slot!, (secret as { key: Uint8Array }).key)
      return typeof privateKey !== 'string' && openBundle(repositoryId, slot!, privateKey) !== undefined
    },
  }
}

test('a thief of a key file that was removed reads nothing that is written after a rotation', limit, async (t) => {
  const at = await historian(t)
  input(at, 0)
  const { snapshot_id: old } = await at.json(['run'])
  const [stolen] = (JSON.parse((await at.kpipe(['key', 'list', '--json'])).stdout) as { id: string; opened: boolean }[]).filter(
    ({ opened }) => opened,
  )
  copyFileSync(at.at('repository.key'), at.at('stolen.key'))
  at.keep('before')

  await at.json(['key', 'add', '--new-key-file', 'second.key'])
  const second = { env: { KPIPE_KEY_FILE: at.at('second.key') } }
  await at.json(['key', 'remove', stolen.id], second)
  const removedAt = at.logNames().length
  t.match(await at.json(['key', 'rotate'], second), { epoch: 2 })
  const rotatedAt = at.logNames().length
  const [entries, packs, slots] = [at.logNames(), at.packs(), filesUnder(at.at('repository/keys'))]
  t.match(await at.json(['run'], second), { bytes_fresh: 0 }, 'the next backup finds all that there was')
  input(at, 200)
  const next = await at.json(['run'], second)
  t.ok(Number(next['bytes_fresh']) > 0 && Number(next['bytes_fresh']) < 600_000, `${String(next['bytes_fresh'])} bytes are fresh`)
  const newEntries = at.logNames().filter((name) => !entries.includes(name))
  const newPacks = at.packs().filter((name) => !packs.includes(name))
  t.ok(newEntries.length >= 4 && newPacks.length >= 2, `${newEntries.length} entries and ${newPacks.length} packs are new`)

  const refused = await at.kpipe(['snapshots', '--store', 'repository', '--key-file', 'stolen.key'])
  t.match(refused, { code: 12, stdout: '' })
  // He puts back what was removed, from his copy.
  cpSync(at.at('kept-before/keys'), at.at('repository/keys'), { recursive: true })
  const told = await at.kpipe(['snapshots', '--store', 'repository', '--key-file', 'stolen.key'])
  t.match(told, { code: 12, stdout: '', stderr: /its key slot was removed/ })

  const raw = await thief(at.at('repository'), at.at('stolen.key'))
  t.same(raw.epochs, [1])
  for (const name of newEntries) t.notOk(await raw.opensEntry(Number(name)), `entry ${name}`)
  for (const name of newPacks) t.notOk(await raw.opensDirectory(name), name)
  for (const name of slots.filter((name) => name.endsWith('2'))) t.notOk(await raw.opensSlot(name), name)
  t.equal(slots.filter((name) => name.endsWith('2')).length, 2, 'of the second key and the phrase')
  // What these tests of him are worth: all of that works on what is older.
  for (const name of entries.filter((name) => Number(name) < removedAt)) t.ok(await raw.opensEntry(Number(name)), `entry ${name}`)
  for (const name of packs) t.ok(await raw.opensDirectory(name), name)
  t.ok(await raw.opensSlot(`${stolen.id}/0000000001`))
  t.equal(rotatedAt, removedAt + 1)

  // Nor does a rotation take back what he had.
  const before = await at.kpipe(['restore', String(old), '--store', 'kept-before', '--key-file', 'stolen.key', '--to', 'loot'], {
    env: { XDG_STATE_HOME: at.at('of-the-thief') },
  })
  t.equal(before.code, 0, before.stderr)
  const [newest] = (JSON.parse((await at.kpipe(['snapshots', '--json'], second)).stdout) as { id: string }[]).slice(-1)
  t.equal((await at.kpipe(['restore', newest.id, '--to', 'ours'], second)).code, 0)
  t.ok(at.read('ours').equals(at.read('input')))
})

test('what was sealed anew is beyond a thief as well, but for what the log told before', limit, async (t) => {
  const at = await historian(t)
  input(at, 0)
  await at.json(['run'])
  const [stolen] = (JSON.parse((await at.kpipe(['key', 'list', '--json'])).stdout) as { id: string; opened: boolean }[]).filter(
    ({ opened }) => opened,
  )
  copyFileSync(at.at('repository.key'), at.at('stolen.key'))
  at.keep('before')
  await at.json(['key', 'add', '--new-key-file', 'second.key'])
  const second = { env: { KPIPE_KEY_FILE: at.at('second.key') } }
  await at.json(['key', 'remove', stolen.id], second)
  const [packs, entries] = [at.packs(), at.logNames()]
  const rotated = await at.kpipe(['key', 'rotate', '--reseal'], second)
  t.equal(rotated.code, 0, rotated.stderr)
  const written = at.packs().filter((name) => !packs.includes(name))
  t.ok(written.length >= packs.length, `${written.length} packs were written for ${packs.length}`)
  cpSync(at.at('kept-before/keys'), at.at('repository/keys'), { recursive: true })
  const raw = await thief(at.at('repository'), at.at('stolen.key'))
  for (const name of written) t.notOk(await raw.opensDirectory(name), name)
  const swept = await at.kpipe(['prune', '--apply', '--sweep-delay', '0s'], second)
  t.equal(swept.code, 0, swept.stderr)
  t.same(
    at.packs().filter((name) => packs.includes(name)),
    [],
    'what he could open is gone from the storage',
  )
  for (const name of entries) t.ok(await raw.opensEntry(Number(name)), `entry ${name} was written under his keys`)
  t.equal((await at.kpipe(['restore', 'latest', '--to', 'ours'], second)).code, 0)
  t.ok(at.read('ours').equals(at.read('input')))
})

test('a rotation revokes nothing from a key that stays on the list', limit, async (t) => {
  const at = await historian(t)
  input(at, 0)
  await at.json(['run'])
  copyFileSync(at.at('repository.key'), at.at('stolen.key'))
  await at.json(['key', 'rotate'])
  await at.json(['run'])
  rmSync(at.at('repository.key'))
  const list = await at.kpipe(['snapshots', '--store', 'repository', '--key-file', 'stolen.key', '--json'])
  t.equal((JSON.parse(list.stdout) as unknown[]).length, 2)
})
