import { existsSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { initialized, workplace } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'

interface Shown {
  readonly settings: readonly { readonly setting: string; readonly value: unknown; readonly from: { readonly kind: string } }[]
}

/** Value and origin of each setting, by its name. */
async function shown(place: Workplace, words: readonly string[] = [], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await place.kpipe(['config', 'show', '-w', 'json', ...words], { env })
  if (code !== 0) throw new Error(stderr)
  return Object.fromEntries((JSON.parse(stdout) as Shown).settings.map(({ setting, value, from }) => [setting, [value, from]]))
}

test('every value is shown with the line of the file, or as a default', async (t) => {
  const place = workplace(t)
  t.match(await shown(place), {
    name: ['sample', { kind: 'file', line: 2 }],
    'source.use': ['file', { kind: 'file', line: 3 }],
    'source.with.path': [place.at('snap.db'), { kind: 'file', line: 3 }],
    'stages[0].use': ['chunk', { kind: 'default' }],
    'stages[2].with.level': [3, { kind: 'default' }],
    'key.file': [place.at('repository.key'), { kind: 'file', line: 5 }],
    'limits.stallTimeout': ['60s', { kind: 'default' }],
    'retry.attempts': [1, { kind: 'default' }],
  })
  t.notOk(existsSync(place.at('repository')), 'nothing is opened')
})

test('flags and environment stand above the file, a flag above the environment', async (t) => {
  const place = workplace(t)
  const env = { KPIPE_KEY_FILE: '/elsewhere/key' }
  t.match(await shown(place, ['--name', 'other'], env), {
    name: ['other', { kind: 'flag', name: '--name' }],
    'key.file': ['/elsewhere/key', { kind: 'environment', name: 'KPIPE_KEY_FILE' }],
  })
  t.match((await shown(place, ['--key-file', 'here.key'], env))['key.file'], [place.at('here.key'), { kind: 'flag', name: '--key-file' }])
})

test('secrets are hidden, wherever they come from', async (t) => {
  const place = workplace(t)
  const property = (name: string, more = '') => `${name}: { type: 'string', description: '' ${more} }`
  const properties = [property('password'), property('ticket', ', writeOnly: true'), property('location'), property('note')].join(', ')
  writeFileSync(
    place.at('own.mjs'),
    `export default { kind: 'source', summary: '', settings: { type: 'object', properties: { ${properties} }, additionalProperties: false }, open() {} }`,
  )
  writeFileSync(place.at('secret'), 'hunter2-file')
  writeFileSync(
    place.at('backup.yaml'),
    `source:
  use: ./own.mjs
  with:
    password: \${env:PASS}
    ticket: hunter2-ticket
    location: etcd://me:hunter2-url@10.0.0.1:2379
    note: \${file:secret}
store: { use: store-fs, with: { path: repository } }
hooks: { after: { run: 'curl -u \${env:PASS}' }, finally: [{ run: [curl, '\${env:PASS}'] }] }
`,
  )
  const env = { PASS: 'hunter2-env', KPIPE_RECOVERY_PHRASE: 'hunter2-phrase' }
  for (const format of ['table', 'json', 'yaml']) {
    const { code, stdout, stderr } = await place.kpipe(['config', 'show', '-w', format], { env })
    t.equal(code, 0, stderr)
    t.notMatch(stdout + stderr, /hunter2/, format)
  }
  t.match(await shown(place, [], env), {
    'source.with.password': ['********', { line: 4, env: ['PASS'] }],
    'source.with.ticket': ['********', { line: 5 }],
    'source.with.location': ['etcd://me:********@10.0.0.1:2379', { line: 6 }],
    'source.with.note': ['${file:secret}', { files: ['secret'] }],
    'hooks.after.run': ['curl -u ${env:PASS}', { env: ['PASS'] }],
    'hooks.finally[0].run': [['curl', '${env:PASS}'], { env: ['PASS'] }],
    'key.recoveryPhrase': ['********', { kind: 'environment', name: 'KPIPE_RECOVERY_PHRASE' }],
  })
})

test('the table names file and line, and says why that file', async (t) => {
  const place = workplace(t)
  const { stdout, stderr } = await place.kpipe(['config', 'show'])
  t.match(stdout, /^SETTING +VALUE +FROM\nname +sample +backup\.yaml:2\n/)
  t.match(stderr, `pipeline file: ${place.at('backup.yaml')}, found without being named`)
  t.match((await place.kpipe(['config', 'show'], { env: { KPIPE_CONFIG: 'backup.yaml' } })).stderr, 'named by KPIPE_CONFIG')
})

test('a file with errors is not shown: exit 78', async (t) => {
  const place = workplace(t)
  writeFileSync(place.at('backup.yaml'), 'source: { use: fil }\n')
  t.match(await place.kpipe(['config', 'show']), { code: 78, stdout: '', stderr: /nearest: file/ })
})

test('config alone is no command, and says which there is', async (t) => {
  const { kpipe } = workplace(t)
  t.match(await kpipe(['config']), { code: 64, stderr: /config is only the beginning of config show\n.*`kpipe config show`/ })
  t.match(await kpipe(['config', 'shwo']), { code: 64, stderr: /there is no command config shwo\n.*`kpipe config show`/ })
  t.match(await kpipe(['help', 'config', 'show']), { code: 0, stdout: /\$ kpipe config show/ })
})

test('with -v every command says where file, store and key come from', async (t) => {
  const place = await initialized(t)
  const { stderr } = await place.kpipe(['snapshots', '-v'], { env: { KPIPE_KEY_FILE: 'repository.key' } })
  t.match(stderr, `pipeline file: ${place.at('backup.yaml')}, found without being named`)
  t.match(stderr, `store: ${place.at('repository')}, from the pipeline file`)
  t.match(stderr, `key: ${place.at('repository.key')}, from KPIPE_KEY_FILE`)
  const worst = await place.kpipe(['snapshots', '-v', '--store', 'repository', '--recovery-phrase-file', 'phrase.txt'])
  t.match(worst.stderr, /store: .*, from --store\nrecovery phrase: .*phrase\.txt, from --recovery-phrase-file/)
  t.equal((await place.kpipe(['snapshots'])).stderr.includes('key:'), false)
})
