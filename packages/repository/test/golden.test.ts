import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { formatDraft, formatVersion } from '../src/format.ts'
import { goldens } from './golden/golden.ts'
import { histories } from './golden/histories.ts'
import { kpipe, restored, secretFiles } from './golden/program.ts'

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
    for (const [index, { id, sha256 }] of golden.snapshots.entries()) {
      t.equal(await restored(folder, id, secrets[index % secrets.length]!), sha256, `snapshot ${id.slice(0, 12)}`)
    }
    t.match(await kpipe(folder, ['check', '--read-data', '--store', 'repository', ...secrets[0]!, '--json']), /"message_type":"summary"/)
  })
}
