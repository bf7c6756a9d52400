import { test } from 'tap'
import { parse } from 'yaml'
import { backedUp, initialized } from '../support/workplace.ts'

test('snapshots --json is an array of all that programs ask for', async (t) => {
  const { kpipe, id } = await backedUp(t)
  const { code, stdout } = await kpipe(['snapshots', '--json'])
  t.equal(code, 0)
  const list = JSON.parse(stdout) as Record<string, unknown>[]
  t.equal(list.length, 1)
  t.match(list[0], { id, name: 'sample', time: /^\d{4}-.*Z$/, revision: 142, keys: 31, bytes: 73760, tags: ['first'] })
  t.same(parse((await kpipe(['snapshots', '-w', 'yaml'])).stdout), list)
  t.same(JSON.parse((await kpipe(['snapshots', '-o', 'json'])).stdout), list)
})

test('the list for people has a line per snapshot, oldest first', async (t) => {
  const { kpipe, id } = await backedUp(t)
  await kpipe(['run', '-q', '--tag', 'second'])
  const lines = (await kpipe(['snapshots'])).stdout.trimEnd().split('\n')
  t.match(lines[0], /^ID {2,}NAME {2,}TIME {2,}REVISION {2,}KEYS {2,}SIZE {2,}TAGS$/)
  t.match(lines[1], new RegExp(`^${id.slice(0, 12)}  sample  \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\+00:00 +142 +31  74 kB  first$`))
  t.match(lines[2], / second$/)
  t.equal(lines.length, 3)
})

test('--max-age exits 1 when the newest snapshot is older or there is none', async (t) => {
  const empty = await initialized(t)
  t.match(await empty.kpipe(['snapshots', '--max-age', '2h']), { code: 1, stderr: /there is no snapshot/ })
  const { kpipe } = await backedUp(t)
  t.equal((await kpipe(['snapshots', '--max-age', '2h'])).code, 0)
  t.match(await kpipe(['snapshots', '--max-age', '0s']), { code: 1, stderr: /the newest snapshot, [0-9a-f]{12}, is .* old/ })
  t.match(await kpipe(['snapshots', '--max-age', '2h', '--name', 'other']), { code: 1 })
  t.match(await kpipe(['snapshots', '--max-age', 'soon']), { code: 64, stderr: /no duration/ })
})

test('snapshots works on the repository alone', async (t) => {
  const { kpipe } = await backedUp(t)
  const { stdout } = await kpipe(['snapshots', '--store', 'repository', '--key-file', 'repository.key', '--json'], {
    env: { XDG_STATE_HOME: '/proc/none' },
  })
  t.equal(JSON.parse(stdout).length, 1)
  t.match(await kpipe(['snapshots', '--store', 'repository', '-c', 'backup.yaml']), { code: 64, stderr: /each names a repository/ })
})
