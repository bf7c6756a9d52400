import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { workplace } from '../support/workplace.ts'

const codec = (extra = '') => `export default {
  kind: 'codec', summary: 'for tests', seals: false, settings: { type: 'object', properties: {}, additionalProperties: false },
  open: () => ({ encode: (bytes) => bytes.slice(), decode: (bytes) => bytes.slice() }), ${extra}
}`

/** A package with a stage, perhaps with what makes it unfit. */
function packageAt(folder: string, { name = 'kpipe-stage-copy', main = codec(), engine = '*' } = {}): string {
  mkdirSync(folder, { recursive: true })
  const manifest = { name, version: '1.2.3', type: 'module', exports: './index.js', peerDependencies: { '@kpipe/engine': engine } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  writeFileSync(join(folder, 'index.js'), main)
  return folder
}

/** A registry is nowhere in these tests. */
const offline = { npm_config_offline: 'true', npm_config_registry: 'http://127.0.0.1:1/' }

test("stages lists kpipe's own, installed packages, and files that the pipeline file names", async (t) => {
  const place = workplace(t)
  packageAt(place.at('node_modules/kpipe-stage-copy'))
  packageAt(place.at('node_modules/kpipe-stage-seal'), { name: 'kpipe-stage-seal' })
  packageAt(place.at('node_modules/@acme/kpipe-stage-copy'), { name: '@acme/kpipe-stage-copy' })
  packageAt(place.at('node_modules/other'), { name: 'other', main: `throw new Error('must not run')` })
  writeFileSync(place.at('own.mjs'), codec())
  writeFileSync(
    place.at('backup.yaml'),
    'source: { use: file, with: { path: snap.db } }\nstages: [{ use: ./own.mjs }]\nstore: { use: store-fs, with: { path: r } }\n',
  )
  const { code, stdout, stderr } = await place.kpipe(['stages', '--json'])
  t.equal(code, 0, stderr)
  const listed = JSON.parse(stdout) as Record<string, unknown>[]
  t.match(
    listed.find(({ use, kind }) => use === 'etcd' && kind === 'source'),
    { package: '@kpipe/stage-etcd', first_party: true },
  )
  t.same(
    listed.filter(({ first_party }) => first_party === false),
    [
      { use: '@acme/kpipe-stage-copy', package: '@acme/kpipe-stage-copy', version: '1.2.3' },
      { use: 'copy', package: 'kpipe-stage-copy', version: '1.2.3' },
      { use: 'kpipe-stage-seal', package: 'kpipe-stage-seal', version: '1.2.3' },
      { use: './own.mjs', package: './own.mjs', version: '0.0.0' },
    ].map((stage) => ({ ...stage, kind: 'codec', summary: 'for tests', first_party: false })),
  )
  const elsewhere = await place.kpipe(['stages', '-c', place.at('backup.yaml')], { cwd: '/' })
  t.match(elsewhere.stdout, /^copy +codec +1\.2\.3 +kpipe-stage-copy +for tests$/m)
})

test('a stage that cannot be loaded is told beside the others', async (t) => {
  const place = workplace(t)
  packageAt(place.at('node_modules/kpipe-stage-copy'), { main: 'export default {' })
  const { code, stdout, stderr } = await place.kpipe(['stages'])
  t.equal(code, 3)
  t.match(stdout, /^seal +codec/m)
  t.match(stderr, /^kpipe: warning: stage copy cannot be loaded: SyntaxError: [^\n]+\n$/)
})

test('stages show tells kind, summary, settings and an example', async (t) => {
  const place = workplace(t)
  const { code, stdout } = await place.kpipe(['stages', 'show', 'compress'])
  t.equal(code, 0)
  t.match(stdout, /^codec @kpipe\/stage-compress \d+\.\d+\.\d+, comes with kpipe\n/)
  t.match(stdout, /^ {2}level +integer, 1 to 19, default 3$/m)
  t.match(stdout, /^example\n {2}stages:\n {4}- use: compress$/m)
  const [shown] = JSON.parse((await place.kpipe(['stages', 'show', 'compress', '--json'])).stdout) as Record<string, unknown>[]
  t.match(shown, { kind: 'codec', settings: { properties: { level: { default: 3 } } } })
  t.match(await place.kpipe(['stages', 'show', 'sael']), { code: 78, stderr: /nearest: seal/ })
})

test('a stage is created, built, added where no registry is, used, and removed', async (t) => {
  const place = workplace(t)
  const created = await place.kpipe(['stages', 'create', 'codec', 'mask'])
  t.match(created, { code: 0, stdout: `${place.at('kpipe-stage-mask')}\n` })
  t.match(await place.kpipe(['stages', 'create', 'codec', 'mask']), { code: 64, stderr: /kpipe-stage-mask exists/ })
  const built = await place.kpipe(['stages', 'build', 'kpipe-stage-mask'], { env: offline })
  t.match(built, { code: 0, stdout: `${place.at('kpipe-stage-mask-0.1.0.tgz')}\n` }, built.stderr)

  const added = await place.kpipe(['stages', 'add', './kpipe-stage-mask-0.1.0.tgz'], { env: offline })
  t.match(added, { code: 0, stdout: /^codec kpipe-stage-mask 0\.1\.0\n/ }, added.stderr)
  const pipeline = readFileSync(place.at('backup.yaml'), 'utf8')
  const list = ['chunk', 'hash', 'mask', 'seal'].map((use) => `{ use: ${use} }`).join(', ')
  writeFileSync(place.at('backup.yaml'), `${pipeline}stages: [${list}]\n`)
  t.match(await place.kpipe(['init', '--recovery-phrase-file', 'phrase.txt']), { code: 0 })
  t.match(await place.kpipe(['run']), { code: 0 })
  t.match(await place.kpipe(['restore', 'latest', '-to', 'back.db']), { code: 0 })
  t.ok(readFileSync(place.at('back.db')).equals(readFileSync(place.at('snap.db'))))

  t.match(await place.kpipe(['stages', 'remove', 'mask'], { env: offline }), { code: 3, stderr: /pipeline file still uses mask/ })
  t.notOk(existsSync(place.at('node_modules/kpipe-stage-mask')))
  t.match(await place.kpipe(['stages', 'remove', 'mask'], { env: offline }), { code: 78, stderr: /no stage mask was added/ })
})

test('what is no stage, or wants another engine, is not added', async (t) => {
  const place = workplace(t)
  const unfit: [Parameters<typeof packageAt>[1], RegExp][] = [
    [{ main: 'export default 5' }, /stage kpipe-stage-copy is no stage/],
    [{ main: 'process.nothing.at.all' }, /stage kpipe-stage-copy cannot be loaded/],
    [{ engine: '>=99' }, /stage kpipe-stage-copy 1\.2\.3 wants @kpipe\/engine >=99, and this is/],
    [{ name: 'copy' }, /copy is not named as packages of stages are/],
    [{ name: '@kpipe/stage-copy' }, /@kpipe\/stage-copy is not named/],
  ]
  for (const [options, sentence] of unfit) {
    packageAt(place.at('unfit'), options)
    t.match(await place.kpipe(['stages', 'add', './unfit'], { env: offline }), { code: 78, stderr: sentence })
    for (const name of ['package.json', 'package-lock.json', 'node_modules']) t.notOk(existsSync(place.at(name)), name)
  }
  t.match(await place.kpipe(['stages', 'add', './gone.tgz'], { env: offline }), { code: 78, stderr: /there is no .*gone\.tgz/ })
  t.match(await place.kpipe(['stages', 'add', 'kpipe-stage-gone'], { env: offline }), { code: 78, stderr: /npm install failed: / })
  t.match(await place.kpipe(['stages', 'add', './unfit'], { env: { ...offline, PATH: '/nowhere' } }), {
    code: 78,
    stderr: /there is no npm/,
  })
})

test('an update that is unfit leaves the version that was there', async (t) => {
  const place = workplace(t)
  packageAt(place.at('fit'))
  cpSync(place.at('fit'), place.at('unfit'), { recursive: true })
  writeFileSync(place.at('unfit/index.js'), 'export default 5')
  t.match(await place.kpipe(['stages', 'add', './fit'], { env: offline }), { code: 0 })
  t.match(await place.kpipe(['stages', 'add', './unfit'], { env: offline }), { code: 78 })
  t.match(await place.kpipe(['stages', 'show', 'copy']), { code: 0, stdout: /^codec kpipe-stage-copy 1\.2\.3/ })
})
