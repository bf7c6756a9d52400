import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'tap'
import { initialized, workplace } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'

const rest = 'store: { use: store-fs, with: { path: repository } }\n'

/** `line:column: severity: message` of each finding. */
async function findings(place: Workplace, text: string, env: Record<string, string> = {}): Promise<string[]> {
  writeFileSync(place.at('backup.yaml'), text)
  chmodSync(place.at('backup.yaml'), 0o600)
  const { stdout } = await place.kpipe(['lint', '--json'], { env })
  const { problems } = JSON.parse(stdout) as { problems: { severity: string; line: number; column: number; message: string }[] }
  return problems.map(({ severity, line, column, message }) => `${line}:${column}: ${severity}: ${message}`)
}

test('a file without fault is told as that', async (t) => {
  const { kpipe, at } = await initialized(t)
  t.match(await kpipe(['lint']), { code: 0, stdout: '', stderr: `${at('backup.yaml')}: no errors, no warnings\n` })
  t.match(await kpipe(['lint', 'backup.yaml', '-q', '--deny-warnings']), { code: 0, stdout: '', stderr: '' })
})

test('errors and warnings are told in the order of the file, with a mark below their place', async (t) => {
  const { kpipe, at } = workplace(t)
  writeFileSync(at('backup.yaml'), `key: { file: absent.key }\nsource: { use: fil, with: {} }\n${rest}`)
  t.match(await kpipe(['lint']), {
    code: 78,
    stdout: `${at('backup.yaml')}:1:14: warning: there is no file ${at('absent.key')}
  1 | key: { file: absent.key }
    |              ^^^^^^^^^^
${at('backup.yaml')}:2:16: error: there is no stage fil: looked for @kpipe/stage-fil and kpipe-stage-fil; nearest: file
  2 | source: { use: fil, with: {} }
    |                ^^^
`,
    stderr: `${at('backup.yaml')}: 1 error, 1 warning\n`,
  })
})

test('warnings alone exit 0, and 78 when they are denied', async (t) => {
  const { kpipe } = workplace(t)
  t.match(await kpipe(['lint']), { code: 0, stdout: /:5:14: warning: there is no file/ })
  t.match(await kpipe(['lint', '--deny-warnings']), { code: 78, stdout: /: warning: there is no file/ })
  t.match(JSON.parse((await kpipe(['lint', '--json'])).stdout), { errors: 0, warnings: 1, problems: [{ severity: 'warning' }] })
})

test('a key that others may read, or that lies in the store, is warned of', async (t) => {
  const place = await initialized(t)
  chmodSync(place.at('repository.key'), 0o640)
  const text = (key: string) => `source: { use: file, with: { path: x } }\n${rest}key: { file: ${key} }\n`
  t.same(await findings(place, text('repository.key')), [
    `3:14: warning: others than its owner may read ${place.at('repository.key')} (mode 0640)`,
  ])
  writeFileSync(place.at('repository/inner.key'), '', { mode: 0o600 })
  t.same(await findings(place, text('repository/inner.key')), [`3:14: warning: the key lies in ${place.at('repository')}, which it locks`])
})

test('plaintext is warned of, needed or not', async (t) => {
  const place = await initialized(t)
  const start = `source: { use: file, with: { path: x } }\n${rest}plaintext: accepted\n`
  t.same(await findings(place, `${start}stages: [{ use: chunk }, { use: hash }]\n`), [
    '3:12: warning: whoever reads the store reads every Secret in the backups',
  ])
  t.same(await findings(place, start), ['3:12: warning: the stages seal: this is not needed'])
})

test('paths that lead out of the folder, and textfiles that nobody reads, are warned of', async (t) => {
  const place = await initialized(t)
  const text = `source: { use: file, with: { path: ../x/../y } }\n${rest}metrics: { textfile: a/../../b/kpipe.txt }\n`
  t.same(await findings(place, text), [
    '1:36: warning: ../x/../y leads out of the folder of this file',
    '3:22: warning: node-exporter reads only files whose names end in .prom',
    `3:22: warning: there is no folder ${resolve(place.folder, '../b')}`,
    '3:22: warning: a/../../b/kpipe.txt leads out of the folder of this file',
  ])
})

test('secrets in the file, or where everybody reads them, and connections without proof are warned of', async (t) => {
  const place = await initialized(t)
  const properties = ['password', 'insecureSkipTlsVerify'].map((name) => `${name}: { description: '' }`).join(', ')
  writeFileSync(
    place.at('own.mjs'),
    `export default { kind: 'source', summary: '', settings: { type: 'object', properties: { ${properties} }, additionalProperties: false }, open() {} }`,
  )
  const text = (settings: string) => `source:\n  use: ./own.mjs\n  with: ${settings}\n${rest}`
  const inFile = 'password stands in the file itself, not in ${env:NAME} or ${file:PATH}'
  t.same(await findings(place, text('{ password: hunter2 }')), [`3:21: warning: ${inFile}`])
  chmodSync(place.at('backup.yaml'), 0o644)
  t.match((await place.kpipe(['lint'])).stdout, 'stands in the file itself, which everybody may read (mode 0644), not in')
  t.notMatch((await place.kpipe(['lint'])).stdout, 'hunter2')
  writeFileSync(place.at('secret'), 'x', { mode: 0o644 })
  t.same(await findings(place, text('{ password: "${file:secret}" }')), [
    `3:21: warning: everybody may read ${place.at('secret')} (mode 0644)`,
  ])
  t.same(await findings(place, text('{ password: "${env:PASS}", insecureSkipTlsVerify: true }'), { PASS: 'x' }), [
    '3:59: warning: anybody on the network can pose as the server',
  ])
})

test('secrets that are filled into a command are warned of', async (t) => {
  const place = await initialized(t)
  writeFileSync(
    place.at('own.mjs'),
    `export default { kind: 'source', summary: '', settings: { type: 'object', properties: { password: { description: '' } }, additionalProperties: false }, open() {} }`,
  )
  writeFileSync(place.at('token'), 'x', { mode: 0o600 })
  const text = `source: { use: ./own.mjs, with: { password: "\${env:PASS}" } }
${rest}hooks:
  after: { run: "curl -u x:\${env:PASS} \${env:PLACE}" }
  failed: [{ run: [tell, "\${file:token}", "\${env:PLACE}"] }]
`
  const told = (secret: string) => `the value of ${secret} stands in the command, which every process may read while it runs`
  t.same(await findings(place, text, { PASS: 'x', PLACE: 'y' }), [`4:17: warning: ${told('PASS')}`, `5:26: warning: ${told('token')}`])
})

test('lint opens nothing and makes nothing', async (t) => {
  const { kpipe, at } = workplace(t)
  t.equal((await kpipe(['lint'])).code, 0)
  t.notOk(existsSync(at('repository')))
  t.match(await kpipe(['lint', 'absent.yaml']), { code: 78, stderr: /absent\.yaml/ })
})
