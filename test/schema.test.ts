import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { parse } from 'yaml'
import { examinePipelineFile } from '../packages/cli/src/where/open.ts'
import { openStages } from '../packages/cli/src/where/stages.ts'
import { schemaProblems } from '../packages/engine/src/stages/schema-problems.ts'
import { clone, kpipe } from './support/kpipe.ts'
import { testFolder } from './support/folder.ts'

const schema = kpipe(['schema']).then(({ stdout }) => JSON.parse(stdout) as object)
const env = { ETCD_ENDPOINT: 'http://127.0.0.1:2379', SECRET: 'x' }

/** What an editor says to a text, and what kpipe says. */
async function verdicts(t: { after(done: () => void): void }, text: string): Promise<{ editor: boolean; kpipe: boolean }> {
  const file = join(testFolder(t), 'backup.yaml')
  writeFileSync(file, text)
  const { problems } = await examinePipelineFile(file, openStages(new Map()), env)
  return { editor: (await schemaProblems(await schema, parse(text))).length === 0, kpipe: problems.length === 0 }
}

const store = 'store: { use: store-fs, with: { path: repository } }'
const small = `source: { use: file, with: { path: x } }\n${store}\n`
const list = (...names: string[]) => `stages: [${names.map((name) => `{ use: ${name} }`).join(', ')}]\n`

const documented = `
name: prod-eu-1
source:
  use: etcd
  with:
    location: etcd+https://10.0.0.11:2379
    endpoints: [https://10.0.0.11:2379, https://10.0.0.12:2379]
    cacert: /etc/kubernetes/pki/etcd/ca.crt
    cert: /etc/kubernetes/pki/etcd/healthcheck-client.crt
    key: /etc/kubernetes/pki/etcd/healthcheck-client.key
stages:
  - use: chunk
  - use: hash
  - use: compress
  - use: seal
store:
  use: store-fs
  with: { path: /var/backups/kpipe }
key: { file: /etc/kpipe/repository.key }
`

const right = [
  documented,
  small,
  `${small}stages:\nlimits:\nretry:\nhooks:\n`,
  `${small}${list('chunk', 'hash', 'etcd', 'compress', 'seal')}`,
  `${small}${list('"@kpipe/stage-chunk"', 'hash', 'seal')}`,
  `${small}${list('chunk', 'hash')}plaintext: accepted\n`,
  `${small}stages:\n  - use: chunk\n    with:\n  - { use: hash, with: { algorithm: sha256 } }\n  - { use: compress, with: { level: 9 } }\n  - use: seal\n`,
  `source:\n  use: etcd\n  with:\n    location: \${env:ETCD_ENDPOINT}\n${store}\n`,
  `source:\n  use: etcd\n  with:\n    endpoints:\n      - \${env:ETCD_ENDPOINT}\n${store}\n`,
  `${small}limits: { stallTimeout: 90, maxHold: 1.5h }\n`,
  `${small}hooks: { before: { run: x, timeout: 5 }, after: [{ run: [a, b], onFailure: warn }], failed: [], finally: }\n`,
  `${small}metrics: { textfile: /var/lib/node/kpipe.prom }\nretry: { attempts: 3, delay: 10s }\n`,
]

const wrong = [
  '[]',
  'word',
  'name: x\n',
  small.replace('source', 'sorce'),
  small.replace('store:', 'stroe:'),
  `${small}name: 5\n`,
  `${small}name: ""\n`,
  `${small}more: 1\n`,
  'source: file\n' + store,
  `source: { use: etcd, with: { endpoint: x } }\n${store}`,
  `source: { use: etcd, with: { endpoints: x } }\n${store}`,
  `source: { use: etcd, with: { endpoints: [] } }\n${store}`,
  `source: { use: etcd, with: { dialTimeout: -1 } }\n${store}`,
  `source: { use: etcd, with: { location: "ftp://x" } }\n${store}`,
  `source: { use: file }\n${store}`,
  `source: { use: file, with: }\n${store}`,
  `source: { use: file, with: { path: 7 } }\n${store}`,
  `source: { use: file, with: { path: "" } }\n${store}`,
  `source: { use: seal }\n${store}`,
  `source: { use: "@kpipe/stage-seal" }\n${store}`,
  `source: { with: { path: x } }\n${store}`,
  `source: { use: file, with: { path: x }, other: 1 }\n${store}`,
  'source: { use: file, with: { path: x } }\nstore: { use: file, with: { path: x } }',
  'source: { use: file, with: { path: x } }\nstore: { use: store-fs, with: { pth: x } }',
  `${small}stages: seal\n`,
  `${small}stages: [seal]\n`,
  `${small}${list('chunk', 'hash')}`,
  `${small}${list('chunk', 'seal')}`,
  `${small}${list('hash', 'seal')}`,
  `${small}${list('chunk', 'chunk', 'hash', 'seal')}`,
  `${small}${list('chunk', 'hash', 'store-fs', 'seal')}`,
  `${small}stages: [{ use: chunk, with: { algorithm: pge } }, { use: hash }, { use: seal }]\n`,
  `${small}stages: [{ use: chunk }, { use: hash }, { use: compress, with: { level: 99 } }, { use: seal }]\n`,
  `${small}stages: [{ use: chunk }, { use: hash }, { use: compress, with: { level: "3" } }, { use: seal }]\n`,
  `${small}key: {}\n`,
  `${small}key: k\n`,
  `${small}key: { file: k, password: x }\n`,
  `${small}plaintext: yes\n`,
  `${small}limits: { stallTimeout: 10q }\n`,
  `${small}limits: { stallTimeout: 0 }\n`,
  `${small}limits: { stallTimout: 10 }\n`,
  `${small}hooks: { befor: { run: x } }\n`,
  `${small}hooks: { before: x }\n`,
  `${small}hooks: { before: {} }\n`,
  `${small}hooks: { before: { run: 5 } }\n`,
  `${small}hooks: { before: { run: "" } }\n`,
  `${small}hooks: { before: [{ run: [] }] }\n`,
  `${small}hooks: { before: [{ run: x, onFailure: stop }] }\n`,
  `${small}hooks: { before: [{ run: x, timeout: soon }] }\n`,
  `${small}metrics: {}\n`,
  `${small}metrics: { textfile: 1 }\n`,
  `${small}retry: { attempts: 0 }\n`,
  `${small}retry: { attempts: 1.5 }\n`,
  `${small}retry: { delay: later }\n`,
]

test('an editor accepts what kpipe accepts', async (t) => {
  for (const text of right) t.same(await verdicts(t, text), { editor: true, kpipe: true }, text)
})

test('an editor refuses the mistakes that kpipe refuses', async (t) => {
  for (const text of wrong) t.same(await verdicts(t, text), { editor: false, kpipe: false }, text)
})

test('an editor accepts stages that it does not know', async (t) => {
  for (const use of ['acme-redact', './own.mjs', '"@acme/stage"']) {
    const text = `source: { use: ${use}, with: { anything: [1] } }\n${store}\n${list('chunk', 'hash', use)}`
    t.same(await schemaProblems(await schema, parse(text)), [], use)
  }
})

test('an editor accepts every pipeline file of the examples', async (t) => {
  const files = readdirSync(join(clone, 'examples')).filter(
    (name) => name.endsWith('.yaml') && !['cronjob.yaml', 'cluster.yaml'].includes(name),
  )
  t.ok(files.length >= 2)
  for (const file of files) t.same(await schemaProblems(await schema, parse(readFileSync(join(clone, 'examples', file), 'utf8'))), [], file)
})

test('schema --write puts it beside a pipeline file, replaces its own kind only, and leaves the pipeline file alone', async (t) => {
  const folder = testFolder(t)
  const [file, written] = [join(folder, 'backup.yaml'), join(folder, 'kpipe.schema.json')]
  writeFileSync(file, small)
  for (let times = 0; times < 2; times++) {
    const { code, stdout, stderr } = await kpipe(['schema', '--write', file])
    t.match({ code, stdout }, { code: 0, stdout: '# yaml-language-server: $schema=./kpipe.schema.json\n' }, stderr)
  }
  t.same(JSON.parse(readFileSync(written, 'utf8')), await schema)
  t.equal(readFileSync(file, 'utf8'), small)
  t.same(readdirSync(folder).toSorted(), ['backup.yaml', 'kpipe.schema.json'])
  writeFileSync(written, '{}')
  t.match(await kpipe(['schema', '--write', file]), { code: 64, stderr: /is no schema of kpipe/ })
  t.match(await kpipe(['schema', '--write', join(folder, 'absent', 'backup.yaml')]), { code: 75, stderr: /ENOENT/ })
})
