import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { formatDraft, formatVersion } from '../src/format.ts'
import { readKeyFile } from '../src/keys/key-file.ts'
import { keyRing } from '../src/keys/key-ring.ts'
import { openSlots } from '../src/keys/open-slots.ts'
import { openEntry } from '../src/log/entry.ts'
import { decodeMarker } from '../src/marker.ts'
import { goldens, type Golden } from './golden/golden.ts'
import { histories } from './golden/histories.ts'
import { kpipe, restored, restoredAttachments, secretFiles } from './golden/program.ts'
import { storeOf } from './golden/store-of.ts'

const flags = { key: '--key-file', phrase: '--recovery-phrase-file', password: '--password-file' } as const

test('there is a golden repository of every history', async (t) => {
  t.same(
    goldens()
      .map(({ name }) => name)
      .toSorted(),
    Object.keys(histories).toSorted(),
  )
})

for (const golden of goldens()) {
  test(`the golden repository ${golden.name} is of the draft that kpipe writes now; if not, make them anew`, async (t) => {
    const marker = await readFile(join(golden.folder, 'repository/repository'))
    t.equal(marker.readUInt16LE(8), formatVersion)
    t.equal(marker.readUInt16LE(10), formatDraft)
    t.equal(golden.draft, formatDraft)
  })

  test(`the log of the golden repository ${golden.name} has all that it was made for`, async (t) => {
    const kinds = await kindsOf(golden)
    t.equal(kinds[0], 'GENESIS')
    for (const kind of ['OPEN', 'SNAPSHOT', ...golden.kinds]) t.ok(kinds.includes(kind), `${kind} in ${kinds.join(' ')}`)
  })

  test(`kpipe lists, restores and checks the golden repository ${golden.name}`, async (t) => {
    // A copy, as a check is noted in the log.
    const folder = await mkdtemp(join(tmpdir(), 'kpipe-test-'))
    t.after(() => rm(folder, { recursive: true, force: true }))
    await cp(golden.folder, folder, { recursive: true })
    const secrets = golden.secrets.map((name) => [flags[name], secretFiles[name]])
    for (const secret of secrets) {
      const list = JSON.parse(await kpipe(folder, ['snapshots', '--store', 'repository', ...secret, '--json'])) as { id: string }[]
      t.same(
        list.map(({ id }) => id),
        golden.snapshots.map(({ id }) => id),
        `listed with ${secret[1]}`,
      )
    }
    for (const [index, { id, sha256, attachments = {} }] of golden.snapshots.entries()) {
      const secret = secrets[index % secrets.length]!
      t.equal(await restored(folder, id, secret), sha256, `snapshot ${id.slice(0, 12)}`)
      t.same(await restoredAttachments(folder, id, secret, Object.keys(attachments)), attachments)
    }
    t.match(await kpipe(folder, ['check', '--read-data', '--store', 'repository', ...secrets[0]!, '--json']), /"message_type":"summary"/)
  })
}

/** Kinds of all entries of the log, in order; what is missing is left out. */
async function kindsOf({ folder }: Golden): Promise<string[]> {
  const store = await storeOf(join(folder, 'repository'))
  const { repositoryId } = decodeMarker((await store.read('repository'))!, folder)
  const { bundles } = await openSlots(store, repositoryId, await readKeyFile(join(folder, secretFiles.key)))
  const ring = keyRing(repositoryId, bundles)
  const kinds: string[] = []
  for await (const { name } of store.list('log/')) {
    const entry = openEntry(ring, Number(name.slice('log/'.length)), (await store.read(name))!)
    if (!('payload' in entry)) throw new Error(`${name} does not open: ${entry.reason}`)
    kinds.push(entry.payload.kind)
  }
  return kinds
}
