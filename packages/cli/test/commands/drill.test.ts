import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import { pipelineWith } from '../support/pipeline-with.ts'
import { backedUp } from '../support/workplace.ts'

const walked = ['drill', '--level', 'walked', '--scratch', '.']

test('a drill tells each step in a line, and how it ended', async (t) => {
  const place = await backedUp(t)
  const before = readdirSync(place.folder).toSorted()
  const { code, stdout, stderr } = await place.kpipe(walked)
  t.equal(code, 0, stderr)
  const lines = stdout.trim().split('\n')
  t.match(lines[0], /^restore     ok +\d\S* s  74 kB, every chunk/)
  t.match(lines[1], /^walk        ok +\S+ s  18 pages, each where it belongs$/)
  t.match(lines[2], /^status      ok +\S+ s  hash 256ebfcf, revision 142, 31 keys, as noted$/)
  t.match(lines[4], /^boot        not done +\S+ s  --level walked$/)
  t.match(stderr, /snapshot [0-9a-f]{12} of sample restores to a database[^\n]*; level walked, /)
  t.same(readdirSync(place.folder).toSorted(), before)
  t.match(await place.kpipe(['snapshots']), { stdout: /DRILL\n[^\n]* walked \d+s ago\n$/ })
  t.equal((await place.kpipe([...walked, '-q'])).stdout, '')
})

test('attached files are restored, too', async (t) => {
  const place = await pipelineWith(t, 'attach: [backup.yaml, snap.db]\n')
  t.equal((await place.kpipe(['run', '-q'])).code, 0)
  const { code, stdout, stderr } = await place.kpipe(walked)
  t.equal(code, 0, stderr)
  t.match(stdout, /\nattachments ok +\S+ s  2 files, 74 kB, as they were stored\nwalk /)
})

test('what cannot be drilled is refused, and nothing is recorded', async (t) => {
  const place = await backedUp(t)
  t.match(await place.kpipe(['drill', '--scratch', 'none']), { code: 75, stderr: /none cannot be used: / })
  t.match(await place.kpipe([...walked, 'ffff']), { code: 64 })
  writeFileSync(place.at('snap.db'), 'no database')
  t.equal((await place.kpipe(['run', '-q'])).code, 0)
  t.match(await place.kpipe(walked), { code: 64, stderr: /holds no etcd database/ })
  t.match(JSON.parse((await place.kpipe(['snapshots', '--json'])).stdout), [{ drill: null }, { drill: null }])
})

test('a result that cannot be recorded is told, and the drill has passed all the same', async (t) => {
  const place = await backedUp(t)
  cpSync(place.at('repository'), place.at('kept'), { recursive: true })
  t.equal((await place.kpipe(walked)).code, 0)
  rmSync(place.at('repository'), { recursive: true })
  cpSync(place.at('kept'), place.at('repository'), { recursive: true })
  const { code, stdout, stderr } = await place.kpipe([...walked, '--json'])
  t.equal(code, 3)
  t.match(jsonLines(stdout).at(-1), { message_type: 'summary', passed: true, recorded: false })
  t.match(stderr, /the result could not be recorded: the log of /)
})

test('the textfile has the numbers of drills beside those of runs, and neither changes the other', async (t) => {
  const place = await pipelineWith(t, 'metrics: { textfile: metrics/kpipe.prom }\n')
  mkdirSync(place.at('metrics'))
  const samples = (): Record<string, string> =>
    Object.fromEntries(
      readFileSync(place.at('metrics/kpipe.prom'), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('kpipe'))
        .map((line) => line.split(' ') as [string, string]),
    )
  t.equal((await place.kpipe(['run', '-q'])).code, 0)
  const ofRun = samples()
  const { code, stdout } = await place.kpipe([...walked, '--json'])
  t.equal(code, 0)
  t.match(jsonLines(stdout).at(-1), { message_type: 'summary', level: 'walked', passed: true, recorded: true })
  const ofDrill = Object.fromEntries(Object.entries(samples()).filter(([name]) => name.includes('drill')))
  t.same(Object.keys(ofDrill), [
    'kpipe_last_drill_timestamp_seconds{name="sample"}',
    'kpipe_last_drill_passed{name="sample"}',
    'kpipe_last_drill_success_timestamp_seconds{name="sample",level="walked"}',
  ])
  t.same(samples(), { ...ofRun, ...ofDrill })
  t.equal((await place.kpipe(['run', '-q'])).code, 0)
  t.match(samples(), ofDrill)
  const text = readFileSync(place.at('metrics/kpipe.prom'), 'utf8').replaceAll('level="walked"', 'level="booted"')
  writeFileSync(place.at('metrics/kpipe.prom'), text)
  t.equal((await place.kpipe([...walked, '-q'])).code, 0)
  const levels = Object.keys(samples()).filter((name) => name.includes('drill_success'))
  t.match(levels, [/level="walked"/, /level="booted"/], 'that of the other level stays')
})
