import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import { waitingRun } from '../support/waiting-run.ts'
import { initialized, workplace } from '../support/workplace.ts'

test('run --json ends with a summary that tells all numbers of the backup', async (t) => {
  const { kpipe } = await initialized(t)
  const { code, stdout, stderr } = await kpipe(['run', 'backup.yaml', '--json', '--tag', 'one', '--tag', 'two'])
  t.equal(code, 0, stdout + stderr)
  const lines = jsonLines(stdout)
  t.match(lines.at(-1), {
    message_type: 'summary',
    snapshot_id: /^[0-9a-f]{64}$/,
    name: 'sample',
    revision: 142,
    keys: 31,
    tags: ['one', 'two'],
    bytes_read: 73760,
    bytes_fresh: 73760,
    chunks: 19,
    chunks_fresh: 19,
    trailer_verified: true,
    head: /^\d+:[0-9a-f]{64}$/,
    attention: [],
  })
  const { bytes_stored: stored, duration_ms: duration, stage_seconds: seconds } = lines.at(-1)!
  t.ok(Number(stored) > 1000 && Number(stored) < 40_000, `${String(stored)} bytes stored`)
  t.ok(Number(duration) > 0)
  t.ok(Object.keys(seconds as object).length > 3)
  t.ok(lines.slice(0, -1).every((line) => line['message_type'] === 'status'))
})

test('a second run of the same bytes stores next to nothing', async (t) => {
  const { kpipe } = await initialized(t)
  await kpipe(['run', '-q'])
  const { stdout } = await kpipe(['run', '--json'])
  t.match(jsonLines(stdout).at(-1), { chunks: 19, chunks_fresh: 0, bytes_fresh: 0 })
})

test('the summary for people names snapshot, name, revision and stages', async (t) => {
  const { kpipe } = await initialized(t)
  const { code, stdout, stderr } = await kpipe(['run'])
  t.equal(code, 0)
  t.match(stdout, /^snapshot [0-9a-f]{12} of sample, revision 142\n {2}read {4}74 kB in 19 pages/)
  t.match(stdout, /\n {2}trailer verified\n/)
  t.match(stdout, /\n {2}stages {2}\w+ \d+\.\d+/)
  t.equal(stderr, '', 'a short run tells no progress')
})

test('-q says nothing', async (t) => {
  const { kpipe } = await initialized(t)
  t.match(await kpipe(['run', '-q']), { code: 0, stdout: '', stderr: '' })
})

test('without a repository, run says which command makes it and exits 10', async (t) => {
  const { kpipe, at } = workplace(t)
  const { code, stderr } = await kpipe(['run', 'backup.yaml'])
  t.equal(code, 10, stderr)
  t.match(stderr, '`kpipe init -c backup.yaml`')
  t.match(await kpipe(['run', at('backup.yaml')], { cwd: '/' }), { code: 10, stderr: `kpipe init -c ${at('backup.yaml')}` })
})

test('a key that is missing, malformed or of another repository exits 12 before the source is touched', async (t) => {
  const { kpipe, at } = await initialized(t)
  const other = await initialized(t)
  rmSync(at('snap.db'))
  writeFileSync(at('repository.key'), readFileSync(other.at('repository.key')))
  t.match(await kpipe(['run']), { code: 12, stderr: /opens no|not of this|does not open|no slot/i }, 'another key')
  writeFileSync(at('repository.key'), 'kpipe-key:1:abc')
  t.match(await kpipe(['run']), { code: 12, stderr: /repository\.key/ }, 'malformed')
  rmSync(at('repository.key'))
  t.match(await kpipe(['run']), { code: 12, stderr: /repository\.key/ }, 'missing')
})

test('mistakes in a pipeline file are all told, with line and column, and exit 78', async (t) => {
  const { kpipe, at } = workplace(t)
  writeFileSync(at('backup.yaml'), 'source: { use: file, with: { pth: snap.db } }\nstore: { use: store-sf, with: { path: 7 } }\n')
  const { code, stderr } = await kpipe(['run'])
  t.equal(code, 78)
  t.match(stderr, /1:\d+.*pth/s)
  t.match(stderr, /2:\d+.*store-sf/s)
  t.match(await kpipe(['run', 'absent.yaml']), { code: 78, stderr: /absent\.yaml/ })
})

test('a source that is not there exits 69 and leaves no snapshot', async (t) => {
  const { kpipe, at } = await initialized(t)
  rmSync(at('snap.db'))
  t.match(await kpipe(['run']), { code: 69, stderr: /snap\.db cannot be read/ })
  t.equal((await kpipe(['snapshots', '--json'])).stdout, '[]\n')
})

test('bytes that do not match their trailer exit 65 and are not published', async (t) => {
  const { kpipe, at } = await initialized(t)
  const bytes = readFileSync(at('snap.db'))
  bytes[40_000] ^= 1
  writeFileSync(at('snap.db'), bytes)
  t.match(await kpipe(['run']), { code: 65 })
  t.equal((await kpipe(['snapshots', '--json'])).stdout, '[]\n')
  t.equal((await kpipe(['run', '-q'])).code, 65, 'and the repository is as usable as before')
})

test('the first signal stops cleanly: nothing is published, the log says so, exit 130', async (t) => {
  const place = await initialized(t)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const { child, ended } = await waitingRun(place)
    child.kill(signal)
    const { code, stdout } = await ended
    t.equal(code, 130, signal)
    t.match(jsonLines(stdout).at(-1), { code: 'KPIPE_INTERRUPTED', exit_code: 130 })
  }
  t.equal((await place.kpipe(['snapshots', '--json'])).stdout, '[]\n')
})

test('two different pipeline files at once are a mistake', async (t) => {
  const { kpipe } = workplace(t)
  t.match(await kpipe(['run', 'backup.yaml', '-c', 'other.yaml']), { code: 64, stderr: /two pipeline files/ })
})

test('KPIPE_CONFIG and the configuration folder stand in for a file that is not named', async (t) => {
  const place = await initialized(t)
  const elsewhere = workplace(t)
  rmSync(elsewhere.at('backup.yaml'))
  t.match(await elsewhere.kpipe(['run', '-q']), { code: 78, stderr: /there is no pipeline file: looked for / })
  t.match(await elsewhere.kpipe(['run', '-q'], { env: { KPIPE_CONFIG: place.at('backup.yaml') } }), { code: 0 })
})

test('a history that is older than remembered stops every backup, and readers say so and exit 3', async (t) => {
  const { kpipe, at } = await initialized(t)
  await kpipe(['run', '-q'])
  for (const entry of readdirSync(at('repository/log')).toSorted().slice(1)) rmSync(at('repository/log', entry))
  const backup = await kpipe(['run', '--json'])
  t.equal(backup.code, 65)
  t.match(jsonLines(backup.stdout).at(-1), { code: 'KPIPE_ROLLBACK', exit_code: 65 })
  const list = await kpipe(['snapshots', '--json'])
  t.match(list, { code: 3, stdout: '[]\n', stderr: /older than remembered: it reached 2:[0-9a-f]{64} and now ends at 0:/ })
})
