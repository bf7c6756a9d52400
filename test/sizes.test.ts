import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { test } from 'tap'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { runTool } from '../scripts/etcd/run-tool.ts'
import { loopbackEnv } from '../scripts/loopback-env.ts'
import { readKeys, withEtcd, withRestoredEtcd } from './support/etcd.ts'
import { lastLine, place } from './support/place.ts'

const segment = 2 << 20

for (const version of ['3.4', '3.6'] as const) {
  test(`an etcd ${version} without a single key is backed up, restored and booted`, async (t) => {
    const at = await withEtcd(version, async (etcd) => {
      const at = await place(t, `{ use: etcd, with: { endpoints: ['${etcd.clientUrl}'] } }`)
      const run = await at.kpipe(['run', '--json'])
      t.equal(run.code, 0, run.stderr)
      t.match(lastLine(run), { revision: 0, keys: 0, trailer_verified: true })
      return at
    })
    t.equal((await at.kpipe(['restore', 'latest', '-to', 'snap'])).code, 0)
    const { etcdutl } = await getEtcd({ version: '3.6' })
    const theirs = await runTool(etcdutl!, ['snapshot', 'status', at.at('snap'), '-w', 'json'], { env: loopbackEnv() })
    t.same(lastLine(await at.kpipe(['status', 'latest', '-w', 'json'])), JSON.parse(theirs))
    await withRestoredEtcd(version, at.at('snap'), async (restored) => t.equal((await readKeys(restored.clientUrl)).size, 0))
  })
}

const sizes = [0, 1, 32, 33, 65_536, segment - 1, segment, segment + 1, 5 * segment + 777]
/** Standard input ends without having said when: lengths around the trailer's and a segment's. */
const pipedSizes = [0, 1, 33, segment]

test('files of all lengths around pages and segments come back byte for byte, from a file and from standard input', async (t) => {
  const at = await place(t, '{ use: file, with: { path: ./input } }')
  at.pipeline("{ use: file, with: { path: '-' } }", '', 'piped.yaml')
  for (const bytes of sizes) {
    const input = randomBytes(bytes)
    writeFileSync(at.at('input'), input)
    for (const file of ['backup.yaml', ...(pipedSizes.includes(bytes) ? ['piped.yaml'] : [])]) {
      const run = await at.kpipe(['run', file, '--json'], file === 'piped.yaml' ? { input } : {})
      t.equal(run.code, 0, `${bytes} bytes by ${file}: ${run.stderr}${run.stdout}`)
      if (run.code !== 0) continue
      const { snapshot_id: id, bytes_read: read, name } = lastLine(run)
      t.match({ read, name }, { read: bytes, name: file.replace('.yaml', '') })
      const restored = await at.kpipe(['restore', String(id), '-to', `./${file}-${bytes}`])
      t.equal(restored.code, 0, restored.stderr)
      t.equal(digest(at.read(`${file}-${bytes}`)), digest(input))
    }
  }
})

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
