import { appendFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import { failingSource } from '../support/pipeline-with.ts'
import { backedUp, initialized, workplace } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'

const filesOf = (place: Workplace) => readdirSync(place.at('repository'), { recursive: true }).toSorted()

test('a plan tells source, store, repository and prediction, and stores nothing', async (t) => {
  const place = await initialized(t)
  appendFileSync(
    place.at('backup.yaml'),
    'hooks: { before: { run: touch hooked } }\nretry: { attempts: 4, delay: 5s }\nmetrics: { textfile: k.prom }\n',
  )
  const before = filesOf(place)
  const { code, stdout, stderr } = await place.kpipe(['plan', '--json'])
  t.equal(code, 0, stderr)
  t.match(jsonLines(stdout), [
    {
      message_type: 'plan',
      file: place.at('backup.yaml'),
      name: 'sample',
      source: { ready: true, stage: '@kpipe/stage-file', bytes: 73760, role: null },
      stages: ['@kpipe/stage-chunk', '@kpipe/stage-hash', '@kpipe/stage-compress', '@kpipe/stage-seal'],
      store: { ready: true, location: place.at('repository'), probed: true, free_bytes: Number },
      repository: { ready: true, id: /^[0-9a-f]{32}$/, snapshots: 0 },
      parent: null,
      predicted: { bytes_read: 73760, bytes_fresh: 73760, bytes_stored: null },
      hooks: { before: 1, after: 0, failed: 0, finally: 0 },
      retry: { attempts: 4, delay_seconds: 5 },
      textfile: place.at('k.prom'),
    },
  ])
  t.same(filesOf(place), before)
  t.notOk(existsSync(place.at('hooked')) || existsSync(place.at('k.prom')))
})

test('the prediction goes by the last backup that had a parent', async (t) => {
  const place = await backedUp(t)
  const plan = async () => jsonLines((await place.kpipe(['plan', '--json'])).stdout)[0]
  t.match(await plan(), {
    parent: { id: place.id, revision: 142 },
    predicted: { bytes_read: 73760, bytes_fresh: null, bytes_stored: null },
  })
  await place.kpipe(['run', '-q'])
  t.match(await plan(), { predicted: { bytes_read: 73760, bytes_fresh: 0, bytes_stored: 0 } })
  t.match(await place.kpipe(['plan', '--name', 'other', '--json']), { stdout: /"parent":null/ })
})

test('a plan for people has a row for each thing', async (t) => {
  const place = await backedUp(t)
  const { stdout } = await place.kpipe(['plan'])
  t.match(stdout, `${place.at('backup.yaml')}; nothing was stored\n`)
  t.match(stdout, /\n {2}source {6}file: .*:.*snap\.db, 74 kB\n/)
  t.match(stdout, /\n {2}store {7}.*repository, create, read, list and remove work, .* free\n/)
  t.match(stdout, new RegExp(`\\n {2}parent {6}${place.id.slice(0, 12)} of .*, revision 142\\n`))
  t.match(stdout, /\n {2}fresh {7}unknown, stored unknown: the second backup/)
})

test('before init the store is not touched: exit 10', async (t) => {
  const place = workplace(t)
  const { code, stdout, stderr } = await place.kpipe(['plan'])
  t.equal(code, 10)
  t.match(stdout, /store .*not tried, for there is no repository yet, .* free\n {2}repository {2}FAILS: there is no repository at/)
  t.match(stdout, /source +file: .*74 kB/, 'the rest is asked all the same')
  t.match(stderr, /`kpipe init -c backup\.yaml`/)
  t.notOk(existsSync(place.at('repository')))
})

test('what would fail is told with its exit code, and everything else is told, too', async (t) => {
  const place = await initialized(t)
  rmSync(place.at('snap.db'))
  const { code, stdout } = await place.kpipe(['plan', '--json'])
  t.equal(code, 69)
  const [plan, error] = jsonLines(stdout)
  t.match(plan, { source: { ready: false, code: 'KPIPE_SOURCE_UNREACHABLE', exit_code: 69 }, store: { ready: true }, predicted: null })
  t.match(error, { message_type: 'error', code: 'KPIPE_SOURCE_UNREACHABLE' })
  const keyless = await place.kpipe(['plan', '--json', '--key-file', 'absent'])
  t.equal(keyless.code, 12, 'a run would ask for the key before the source')
  t.match(jsonLines(keyless.stdout)[0], { repository: { ready: false, code: 'KPIPE_KEY_MISSING' }, store: { ready: true, probed: true } })
})

test('a store that cannot be written is found out', async (t) => {
  const place = await initialized(t)
  rmSync(place.at('repository/tmp'), { recursive: true })
  writeFileSync(place.at('repository/tmp'), 'in the way')
  const { code, stdout } = await place.kpipe(['plan', '--json'])
  t.equal(code, 75)
  t.match(jsonLines(stdout)[0], {
    store: { ready: false, code: 'KPIPE_STORE_FAILED', message: /create tmp-probe-/ },
    repository: { ready: true },
  })
})

test('the source is opened once, read not at all, and its certificates are told', async (t) => {
  const place = await initialized(t)
  failingSource(place, 99)
  writeFileSync(
    place.at('backup.yaml'),
    'source: { use: ./source.mjs }\nstore: { use: store-fs, with: { path: repository } }\nkey: { file: repository.key }\n',
  )
  const { code, stdout } = await place.kpipe(['plan'])
  t.equal(code, 0, 'reading would have failed')
  t.match(stdout, /\n {2}expires {5}client certificate 2030-01-01T00:00:00Z\n/)
})

test('a history that is older than remembered would stop a run: exit 65', async (t) => {
  const place = await backedUp(t)
  for (const entry of readdirSync(place.at('repository/log')).toSorted().slice(1)) rmSync(place.at('repository/log', entry))
  t.match(await place.kpipe(['plan']), { code: 65, stderr: /older than remembered/ })
})
