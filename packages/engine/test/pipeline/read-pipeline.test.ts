import { test } from 'tap'
import { pipelineWith, refusalOf } from './world.ts'

const example = `# backup.yaml
name: prod-eu-1   # optional; default: the cluster id
source:
  use: etcd
  with:
    location: etcd+https://10.0.0.11:2379
    endpoints: [https://10.0.0.11:2379, https://10.0.0.12:2379]   # wins over location
    cacert: /etc/kubernetes/pki/etcd/ca.crt
    cert: /etc/kubernetes/pki/etcd/healthcheck-client.crt
    key: /etc/kubernetes/pki/etcd/healthcheck-client.key
    # username / password: \${env:ETCD_PASSWORD} or \${file:/run/secrets/etcd}
stages:            # this list is the default; leave it out to get it
  - use: chunk     # auto: pages for a bbolt file, FastCDC for anything else
  - use: hash      # sha256 (native) or blake3 (hash-wasm)
  - use: compress  # zstd level 3
  - use: seal      # AES-256-GCM
store:
  use: store-fs
  with: { path: /var/backups/kpipe }
key: { file: /etc/kpipe/repository.key }     # or a password, from a file, the environment or a prompt
`
const small = `source: { use: etcd }
store: { use: store-fs, with: { path: repo } }
`

/** Just `line:column: message` of each problem. */
const problems = (message: string) => [...message.matchAll(/^backup\.yaml:(.*)$/gm)].map(([, problem]) => problem)

test('the example of the documentation is read', async (t) => {
  const { file, root, read } = pipelineWith(t, example)
  const pipeline = await read()
  t.match(pipeline, {
    file,
    folder: root,
    name: 'prod-eu-1',
    key: { file: '/etc/kpipe/repository.key' },
    plaintextAccepted: false,
    limits: {},
    source: { package: '@kpipe/stage-etcd', settings: { endpoints: ['https://10.0.0.11:2379', 'https://10.0.0.12:2379'] } },
    chunk: { settings: { algorithm: 'auto', level: 3 } },
    store: { package: '@kpipe/stage-store-fs', firstParty: true, settings: { path: '/var/backups/kpipe' } },
    inspect: { package: '@kpipe/stage-etcd', settings: {} },
  })
  t.equal(pipeline.inspect?.stage.kind, 'inspect')
  t.same(
    pipeline.codecs.map((codec) => codec.package),
    ['@kpipe/stage-compress', '@kpipe/stage-seal'],
  )
})

test('a file without a list of stages gets the default one', async (t) => {
  const pipeline = await pipelineWith(t, small).read()
  t.equal(pipeline.chunk.package, '@kpipe/stage-chunk')
  t.equal(pipeline.hash.package, '@kpipe/stage-hash')
  t.equal(pipeline.codecs.length, 2)
  t.equal(pipeline.name, undefined)
  t.equal(pipeline.key, undefined)
})

test('paths are relative to the file', async (t) => {
  const { root, read } = pipelineWith(t, `${small}key: { file: ../secret.key }\n`)
  const pipeline = await read()
  t.equal(pipeline.store.settings['path'], `${root}/repo`)
  t.equal(pipeline.key?.file, `${root.slice(0, root.lastIndexOf('/'))}/secret.key`)
})

test('a byte order mark and Windows line ends do no harm', async (t) => {
  const text = '\uFEFF' + small.replaceAll('\n', '\r\n')
  t.equal((await pipelineWith(t, text).read()).name, undefined)
  t.same(problems(await refusalOf(t, `${text}nme: x`)), ['3:1: "nme" is unknown; nearest: name'])
})

test('limits are seconds, or durations with a unit', async (t) => {
  t.same((await pipelineWith(t, `${small}limits: { stallTimeout: 90, maxHold: 1.5h }`).read()).limits, {
    stallTimeoutMs: 90_000,
    maxHoldMs: 5_400_000,
  })
  t.same(problems(await refusalOf(t, `${small}limits: { stallTimeout: 0, maxHold: 10q }`)), [
    '3:25: "limits.stallTimeout" must be seconds, or a duration such as 60s or 10m',
    '3:37: "limits.maxHold" must be seconds, or a duration such as 60s or 10m',
  ])
})

test('a missing file is told with the reason', async (t) => {
  const { file } = pipelineWith(t, '')
  const { readPipeline } = await import('../../src/pipeline/read-pipeline.ts')
  const options = { loader: { load: () => t.fail() }, env: {}, defaultStages: [], defaultInspect: [] } as never
  await t.rejects(readPipeline(`${file}.gone`, options), {
    code: 'KPIPE_PIPELINE_MISSING',
    message: /gone cannot be read: no such file or directory \(ENOENT\)/,
  })
})

test('all errors are told at once, in the order of the file, each with its line', async (t) => {
  const text = `name: 5
sorce: { use: etcd }
source:
  use: etdc
stages:
  - use: hash
  - use: chunk
    with: { algorithm: pge, levl: 3 }
store:
  use: store-fs
  with:
    pth: repo
key: {}
`
  t.equal(
    await refusalOf(t, text),
    `backup.yaml has 10 errors
backup.yaml:1:7: "name" must be a string, but is a number
  1 | name: 5
    |       ^
backup.yaml:2:1: "sorce" is unknown; nearest: source
  2 | sorce: { use: etcd }
    | ^^^^^
backup.yaml:4:8: there is no stage etdc: looked for @kpipe/stage-etdc and kpipe-stage-etdc; nearest: etcd
  4 |   use: etdc
    |        ^^^^
backup.yaml:5:1: no stage of the list seals, and "plaintext: accepted" is not there
  5 | stages:
    | ^^^^^^
backup.yaml:7:10: chunk (chunk) must stand before hash (hash)
  7 |   - use: chunk
    |          ^^^^^
backup.yaml:8:24: stage chunk: "algorithm" must be "auto" or "page"; nearest: page
  8 |     with: { algorithm: pge, levl: 3 }
    |                        ^^^
backup.yaml:8:29: stage chunk: "levl" is unknown; nearest: level
  8 |     with: { algorithm: pge, levl: 3 }
    |                             ^^^^
backup.yaml:11:3: stage store-fs: "path" is missing
  11 |   with:
     |   ^^^^
backup.yaml:12:5: stage store-fs: "pth" is unknown; nearest: path
  12 |     pth: repo
     |     ^^^
backup.yaml:13:1: "key" must have one of file, passwordFile and password
  13 | key: {}
     | ^^^`,
  )
})

test('one error stands alone', async (t) => {
  t.equal(await refusalOf(t, `${small}nme: x\n`), 'backup.yaml:3:1: "nme" is unknown; nearest: name\n  3 | nme: x\n    | ^^^')
})

test('a stage without its settings shows where it is named', async (t) => {
  t.same(problems(await refusalOf(t, 'source: { use: etcd }\nstore:\n  use: store-fs\n')), ['2:1: stage store-fs: "path" is missing'])
})

test('a file without source and store lacks both', async (t) => {
  t.same(problems(await refusalOf(t, '# nothing\nname: x\n')), ['2:1: "source" is missing', '2:1: "store" is missing'])
})

test('an empty file, a list and a word are no pipeline file', async (t) => {
  t.same(problems(await refusalOf(t, '')), ['1:1: the file is empty'])
  t.same(problems(await refusalOf(t, '# only this\n')), ['1:1: the file is empty'])
  t.same(problems(await refusalOf(t, '- a\n- b\n')), ['1:1: this must be a map, but is a list'])
  t.same(problems(await refusalOf(t, 'backup')), ['1:1: this must be a map, but is a string'])
  t.same(problems(await refusalOf(t, Buffer.from([0xff, 0xfe, 0x00]))), ['1:1: the file is not UTF-8 text'])
})

test('wrong types are told where they stand', async (t) => {
  const text = 'source: etcd\nstore: [a]\nstages: seal\nkey: k\nplaintext: yes\nlimits: 5\n'
  t.same(problems(await refusalOf(t, text)), [
    '1:9: "source" must be a map, but is a string',
    '2:8: "store" must be a map, but is a list',
    '3:9: "stages" must be a list, but is a string',
    '4:6: "key" must be a map, but is a string',
    '5:12: "plaintext" must be "accepted"',
    '6:9: "limits" must be a map, but is a number',
  ])
  t.same(problems(await refusalOf(t, `${small}stages: [chunk, { use: }, { used: hash }]`)), [
    '3:10: "stages[0]" must be a map, but is a string',
    '3:19: "stages[1].use" must be a string, but is empty',
    '3:29: "stages[2].use" is missing',
    '3:29: "stages[2].used" is unknown; nearest: use',
  ])
})

test('what stands twice, or is a stage of another kind, is refused', async (t) => {
  const list = (...names: string[]) => `${small}stages: [${names.map((use) => `{ use: ${use} }`).join(', ')}]\n`
  t.same(problems(await refusalOf(t, list('chunk', 'hash', 'hash', 'seal', 'etcd'))), [
    '3:48: hash is a second hash stage, after hash',
    '3:78: etcd (inspect) must stand before seal (codec)',
  ])
  t.same(problems(await refusalOf(t, list('store-fs', 'hash', 'seal'))), [
    '3:17: stage store-fs holds no chunk or hash or inspect or codec stage; it holds: store',
  ])
  t.same(problems(await refusalOf(t, list('hash', 'seal'))), ['3:1: the list has no chunk stage'])
  t.same(problems(await refusalOf(t, `${small}stages: []`)), [
    '3:1: the list has no chunk stage',
    '3:1: the list has no hash stage',
    '3:1: no stage of the list seals, and "plaintext: accepted" is not there',
  ])
  t.equal((await pipelineWith(t, list('chunk', 'hash', 'etcd', 'compress', 'seal')).read()).inspect?.stage.kind, 'inspect')
})

test('a list that does not seal must be meant', async (t) => {
  const text = `${small}stages: [{ use: chunk }, { use: hash }, { use: compress }]\n`
  t.same(problems(await refusalOf(t, text)), ['3:1: no stage of the list seals, and "plaintext: accepted" is not there'])
  t.equal((await pipelineWith(t, `${text}plaintext: accepted\n`).read()).plaintextAccepted, true)
})

test('variables and files are filled in', async (t) => {
  const { root, read } = pipelineWith(
    t,
    'source: { use: etcd, with: { username: "${env:WHO}", password: "${file:./secret}" } }\n' + small.split('\n')[1],
    {
      WHO: 'root',
    },
  )
  const { writeFileSync } = await import('node:fs')
  writeFileSync(`${root}/secret`, 'hunter2\n')
  t.match(await read(), { source: { settings: { username: 'root', password: 'hunter2' } }, secretVariables: [] })
})

test('variables that fill secret settings are known', async (t) => {
  const text = 'source: { use: etcd, with: { username: "${env:WHO}", password: "x${env:PASS}" } }\n' + small.split('\n')[1]
  t.same((await pipelineWith(t, text, { WHO: 'root', PASS: 'hunter2' }).read()).secretVariables, ['PASS'])
})

test('a variable or a file that is not there is told where it is asked for', async (t) => {
  const text = `${small}name: "a \${env:NOPE} \${file:/nowhere/x}"\n`
  t.same(problems(await refusalOf(t, text)), ['3:10: the environment has no variable NOPE', '3:22: /nowhere/x cannot be read (ENOENT)'])
})

test('a secret shows in no message', async (t) => {
  const text = `source: { use: etcd, with: { password: 12345, username: "\${env:SECRET}", cert: [x] } }
store: { use: store-fs, with: { path: x, level: "\${env:SECRET}", algorithm: "\${env:SECRET}" } }
plaintext: "\${env:SECRET}"
`
  const message = await refusalOf(t, text, { SECRET: 'hunter2' })
  t.same(problems(message), [
    '1:40: stage etcd: "password" must be a string, but is a number',
    '1:80: stage etcd: "cert" must be a string, but is a list',
    '2:49: stage store-fs: "level" must be a whole number, but is a string',
    '2:77: stage store-fs: "algorithm" must be "auto" or "page"',
    '3:12: "plaintext" must be "accepted"',
  ])
  t.notMatch(message, /hunter2|12345/)
})

test('a module that fails when it is loaded is told at its name', async (t) => {
  const { writeFileSync } = await import('node:fs')
  const { root, read } = pipelineWith(t, `${small}stages: [{ use: chunk }, { use: hash }, { use: ./own.mjs }]\n`)
  writeFileSync(`${root}/own.mjs`, `throw new Error('out of order')`)
  await t.rejects(read(), { message: /:3:48: stage \.\/own\.mjs cannot be loaded: out of order/ })
})

test('hooks are one command or a list, and a failure counts unless the file says otherwise', async (t) => {
  const text = `${small}hooks:
  before: { run: mount /backup }
  after:
    - run: [./notify, done]
      onFailure: warn
      timeout: 5s
    - { run: echo, onFailure: ignore }
`
  t.same((await pipelineWith(t, text).read()).hooks, {
    before: [{ run: 'mount /backup', onFailure: 'error', timeoutMs: 600_000 }],
    after: [
      { run: ['./notify', 'done'], onFailure: 'warn', timeoutMs: 5000 },
      { run: 'echo', onFailure: 'ignore', timeoutMs: 600_000 },
    ],
    failed: [],
    finally: [],
  })
  t.same((await pipelineWith(t, `${small}hooks: { before: , after: [] }\n`).read()).hooks.before, [])
})

test('mistakes in hooks, metrics and retry are told where they stand', async (t) => {
  const text = `${small}hooks:
  befor: { run: x }
  before: { run: 5, onFailure: err, timeout: soon }
  after: [{ run: [] }, { run: x, timeout: 10q }, { timeout: 5 }, x]
  failed: word
metrics: {}
retry: { attempts: 0, delay: never, more: 1 }
`
  t.same(problems(await refusalOf(t, text)), [
    '4:3: "hooks.befor" is unknown; nearest: before',
    '5:18: "hooks.before.run" must be a string or a list, but is a number',
    '5:32: "hooks.before.onFailure" must be "error", "warn" or "ignore"; nearest: error',
    '6:18: "hooks.after[0].run" must not be empty',
    '6:52: "hooks.after[2].run" is missing',
    '6:66: "hooks.after[3]" must be a map, but is a string',
    '7:11: "hooks.failed" must be a list or a map, but is a string',
    '8:1: "metrics.textfile" is missing',
    '9:20: "retry.attempts" must be at least 1',
    '9:30: "retry.delay" must be seconds, or a duration such as 60s or 10m',
    '9:37: "retry.more" is unknown; known: attempts, delay',
  ])
  t.same(problems(await refusalOf(t, `${small}hooks: { after: [{ run: x }, { run: x, timeout: 10q }] }\n`)), [
    '3:49: "hooks.after[1].timeout" must be seconds, or a duration such as 60s or 10m',
  ])
})

test('a run tries once unless the file says otherwise', async (t) => {
  t.same((await pipelineWith(t, small).read()).retry, { attempts: 1, delayMs: 0 })
  t.same((await pipelineWith(t, `${small}retry: {}\n`).read()).retry, { attempts: 3, delayMs: 30_000 })
  t.same((await pipelineWith(t, `${small}retry: { attempts: 5, delay: 1m }\n`).read()).retry, { attempts: 5, delayMs: 60_000 })
})

test('the file of the metrics is relative to the pipeline file', async (t) => {
  const { root, read } = pipelineWith(t, `${small}metrics: { textfile: ./kpipe.prom }\n`)
  t.same((await read()).metrics, { textfile: `${root}/kpipe.prom` })
})

test('a variable without quotes is told as that wherever braces mean maps', async (t) => {
  const message = '${env:X} stands without quotes where a brace begins a map'
  const source = (value: string) => `source: { use: etcd, with: ${value} }\nstore: { use: store-fs, with: { path: x } }\n`
  t.same(problems(await refusalOf(t, source('{ cert: ${env:X} }'))), [`1:36: ${message}`])
  t.same(problems(await refusalOf(t, source('{ endpoints: [${env:X}, b], key: ${env:X} }')))[0], `1:42: ${message}`)
  t.same(problems(await refusalOf(t, source('{\n  cert: ${env:X}\n}'))), [`2:9: ${message}`])
  const { read } = pipelineWith(t, source('{ cert: ${env:X} }'))
  t.match(await read().catch((refusal: unknown) => refusal), { details: { unquoted: '${env:X}' } })
})

test('a file that is looked at knows what was written and what was not', async (t) => {
  const { examine } = pipelineWith(t, `name: "\${env:WHO}"\n${small}key: { file: k }\n`, { WHO: 'me' })
  const { document, pipeline, problems } = await examine()
  t.same(problems, [])
  t.equal(pipeline?.name, 'me')
  t.equal(document?.written(['name']), '${env:WHO}')
  t.equal(document?.written(['key', 'file']), 'k')
  t.same([document?.has(['key', 'file']), document?.has(['source', 'with']), document?.written(['source'])], [true, false, undefined])
})

test('files to attach are relative to the file, and none stands there twice', async (t) => {
  const { read, root } = pipelineWith(t, `${small}attach: [pki, /etc/enc.yaml]\n`)
  t.same((await read()).attach, [`${root}/pki`, '/etc/enc.yaml'])
  t.same((await pipelineWith(t, `${small}attach:\n`).read()).attach, [])
  t.same((await pipelineWith(t, small).read()).attach, [])
  t.match(problems(await refusalOf(t, `${small}attach:\n  - /a\n  - /b\n  - /b/../a\n`)), ['6:5: "attach" names /a twice'])
  t.match(problems(await refusalOf(t, `${small}attach: /a\n`)), [/^3:9: /])
  t.match(problems(await refusalOf(t, `${small}attach: [1]\n`)), [/^3:10: /])
})
