import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import { failingSource, pipelineWith } from '../support/pipeline-with.ts'
import type { Workplace } from '../support/workplace.ts'

/** Values by metric with its labels, and the text itself. */
function metrics(place: Workplace, file = 'metrics/kpipe.prom') {
  const text = readFileSync(place.at(file), 'utf8')
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return { text, values: Object.fromEntries(samples.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))])) }
}

async function measured(t: { after(done: () => void): void }, more = ''): Promise<Workplace> {
  const place = await pipelineWith(t, `metrics: { textfile: metrics/kpipe.prom }\n${more}`)
  mkdirSync(place.at('metrics'))
  return place
}

test('after a backup the textfile tells all its numbers, and everybody may read it', async (t) => {
  const place = await measured(t)
  const began = Date.now() / 1000
  const { code, stdout } = await place.kpipe(['run', '--json'])
  t.equal(code, 0)
  const { text, values } = metrics(place)
  const summary = jsonLines(stdout).at(-1)!
  t.match(values, {
    'kpipe_last_exit_code{name="sample"}': 0,
    'kpipe_snapshot_revision{name="sample"}': 142,
    'kpipe_bytes_read{name="sample"}': 73760,
    'kpipe_bytes_fresh{name="sample"}': 73760,
    'kpipe_bytes_stored{name="sample"}': summary['bytes_stored'],
  })
  for (const name of ['attempt', 'success']) t.ok(values[`kpipe_last_${name}_timestamp_seconds{name="sample"}`]! >= began, name)
  t.ok(values['kpipe_duration_seconds{name="sample"}']! > 0)
  t.ok(values['kpipe_stage_seconds{name="sample",stage="seal"}']! > 0)
  t.equal(statSync(place.at('metrics/kpipe.prom')).mode & 0o777, 0o644)
  t.same(readdirSync(place.at('metrics')), ['kpipe.prom'], 'no draft is left')
  const names = new Set(Object.keys(values).map((name) => name.split('{')[0]))
  for (const name of names) t.match(text, new RegExp(`^# HELP ${name} \\S.*\\n# TYPE ${name} gauge\\n${name}\\{`, 'm'), name)
  for (const line of text.trimEnd().split('\n'))
    t.match(line, /^(# (HELP|TYPE) kpipe_\w+ .+|kpipe_\w+\{name="sample"(,\w+="[^"]*")*\} \d+(\.\d+)?(e[+-]\d+)?)$/)
})

test('a run that fails is told, and the last success stays', async (t) => {
  const place = await measured(t)
  await place.kpipe(['run', '-q'])
  const before = metrics(place).values
  rmSync(place.at('snap.db'))
  t.equal((await place.kpipe(['run', '-q'])).code, 69)
  const { values } = metrics(place)
  t.equal(values['kpipe_last_exit_code{name="sample"}'], 69)
  t.ok(values['kpipe_last_attempt_timestamp_seconds{name="sample"}']! > before['kpipe_last_attempt_timestamp_seconds{name="sample"}']!)
  for (const [name, value] of Object.entries(before)) {
    if (!/attempt|exit_code|duration/.test(name)) t.equal(values[name], value, name)
  }
})

test('a first run that fails has no success to tell', async (t) => {
  const place = await measured(t)
  t.equal((await place.kpipe(['run', '-q'], { env: { KPIPE_KEY_FILE: '/nowhere' } })).code, 12)
  const { values } = metrics(place)
  t.equal(values['kpipe_last_exit_code{name="sample"}'], 12)
  t.notOk('kpipe_last_success_timestamp_seconds{name="sample"}' in values)
})

test('what fails beside the backup is in the exit code that is told', async (t) => {
  const place = await measured(t, 'hooks: { finally: { run: exit 1 } }\n')
  t.equal((await place.kpipe(['run', '-q'])).code, 3)
  t.equal(metrics(place).values['kpipe_last_exit_code{name="sample"}'], 3)
})

test('a name is escaped, and found again after a failure that knows no name', async (t) => {
  const place = await measured(t)
  failingSource(place, 0)
  const write = (name: string) => {
    const store = 'store: { use: store-fs, with: { path: repository } }\nkey: { file: repository.key }'
    writeFileSync(place.at('backup.yaml'), `${name}source: { use: ./source.mjs }\n${store}\nmetrics: { textfile: metrics/kpipe.prom }\n`)
  }
  write('name: "a\\"b\\\\c\\nd"\n')
  await place.kpipe(['run', '-q'])
  const label = String.raw`name="a\"b\\c\nd"`
  t.equal(metrics(place).values[`kpipe_last_exit_code{${label}}`], 0)
  t.equal(metrics(place).values[`kpipe_certificate_not_after_timestamp_seconds{${label},certificate="client"}`], Date.UTC(2030, 0) / 1000)
  write('')
  await place.kpipe(['run', '-q'], { env: { KPIPE_KEY_FILE: '/nowhere' } })
  t.equal(metrics(place).values[`kpipe_last_exit_code{${label}}`], 12)
  t.ok(metrics(place).values[`kpipe_last_success_timestamp_seconds{${label}}`])
})

test('a textfile that cannot be written is told and loses no backup: exit 3', async (t) => {
  const place = await pipelineWith(t, 'metrics: { textfile: absent/kpipe.prom }\n')
  const { code, stderr, stdout } = await place.kpipe(['run', '--json'])
  t.equal(code, 3)
  const sentence = `the metrics could not be written to ${place.at('absent/kpipe.prom')}: ENOENT`
  t.match(stderr, `warning: ${sentence}`)
  t.match(jsonLines(stdout).at(-1), { message_type: 'summary', attention: [sentence] })
  t.equal((JSON.parse((await place.kpipe(['snapshots', '--json'])).stdout) as unknown[]).length, 1)
  t.notOk(existsSync(place.at('absent')))
  t.match(await place.kpipe(['run'], { env: { KPIPE_KEY_FILE: '/nowhere' } }), { code: 12, stderr: sentence }, 'nor hides it a failure')
})

test('a textfile of something else is replaced, and a folder of its name is not', async (t) => {
  const place = await measured(t)
  writeFileSync(place.at('metrics/kpipe.prom'), 'not { metrics\n')
  t.equal((await place.kpipe(['run', '-q'])).code, 0)
  t.match(metrics(place).text, /^# HELP/)
  rmSync(place.at('metrics/kpipe.prom'))
  mkdirSync(place.at('metrics/kpipe.prom'))
  t.match(await place.kpipe(['run', '-q']), { code: 3, stderr: /could not be written to .*: EISDIR/ })
  t.same(readdirSync(place.at('metrics')), ['kpipe.prom'])
})
