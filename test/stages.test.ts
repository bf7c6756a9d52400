import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { Test } from 'tap'
import { fails } from './support/failing.ts'
import { clone } from './support/kpipe.ts'
import { emptyPlace, type Place } from './support/place.ts'

const codec = (extra: string) => `export default {
  kind: 'codec', summary: 'for tests', seals: false, settings: { type: 'object', properties: {}, additionalProperties: false },
  open: () => ({ encode: (bytes) => bytes.slice(), decode: (bytes) => bytes.slice() }), ${extra}
}`

/** A repository whose pipeline file uses `own.mjs`, of this text. */
async function placeWith(t: Test, text: string, use = './own.mjs'): Promise<Place> {
  const place = emptyPlace(t)
  copyFileSync(join(clone, 'examples/snapshot.db'), place.at('snap.db'))
  place.pipeline('{ use: file, with: { path: ./snap.db } }')
  const { code, stderr } = await place.kpipe(['init', '--no-recovery-phrase', '-q'])
  t.equal(code, 0, stderr)
  await place.log()
  writeFileSync(place.at('own.mjs'), text)
  place.pipeline('{ use: file, with: { path: ./snap.db } }', `stages: [{ use: chunk }, { use: hash }, { use: ${use} }, { use: seal }]`)
  return place
}

test('the codec of the README is a working codec', async (t) => {
  const readme = readFileSync(join(clone, 'README.md'), 'utf8')
  const [, file, module] = /```js\n\/\/ (\S+\.mjs), beside backup\.yaml\n(.*?)```/s.exec(readme)!
  const [, list] = /```yaml\n# in backup\.yaml\n(.*?)```/s.exec(readme)!
  t.ok(module!.trim().split('\n').length <= 11, 'ten lines and an import')
  const place = await placeWith(t, '')
  writeFileSync(place.at(file!), module!)
  place.pipeline('{ use: file, with: { path: ./snap.db } }', list)
  t.match(await place.kpipe(['run']), { code: 0 })
  t.match(await place.kpipe(['restore', 'latest', '-to', 'back.db']), { code: 0 })
  t.ok(place.read('back.db').equals(place.read('snap.db')))
  const [stage] = JSON.parse((await place.kpipe(['stages', 'show', `./${file}`, '--json'])).stdout)
  t.match(stage, { kind: 'codec', summary: 'gzip' })

  const alone = ['restore', 'latest', '--store', 'repository', '--key-file', 'repository.key', '-to', 'alone.db']
  const missing = [/was made with \.\/gzip\.mjs 0\.0\.0/]
  await fails(t, place, alone, { code: 'KPIPE_STAGE_MISSING', says: missing, hint: /--stage name=path/ })
  const named = /`(--stage \S+)`/.exec(readme)![1]!.split(' ')
  t.match(await place.kpipe([...alone, ...named]), { code: 0 })
  t.ok(place.read('alone.db').equals(place.read('snap.db')))
})

const loadingFaults: readonly [string, string, RegExp][] = [
  ['throws while it is loaded', `throw new Error('out of order')`, /\.\/own\.mjs cannot be loaded: out of order/],
  ['has a mistake in its syntax', 'export default {', /\.\/own\.mjs cannot be loaded: SyntaxError: /],
  ['imports what is not there', `import 'nowhere'`, /\.\/own\.mjs cannot be loaded: Cannot find package 'nowhere'/],
  [
    'waits for ever while it is loaded',
    'await new Promise(() => undefined)',
    /\.\/own\.mjs cannot be loaded: it was not done within \d+ s/,
  ],
  ['is no stage', 'export default 5', /\.\/own\.mjs is no stage/],
  ['is of a wrong kind', codec(`kind: 'store'`), /\.\/own\.mjs holds no .*codec stage; it holds: store/],
]

for (const [how, text, says] of loadingFaults) {
  test(`a stage that ${how} is named in one sentence`, async (t) => {
    const place = await placeWith(t, text)
    await fails(t, place, ['run'], { code: 'KPIPE_PIPELINE_INVALID', says: [says, 'backup.yaml:'], hint: /./ })
  })
}

test('a stage that is missing is named', async (t) => {
  const place = await placeWith(t, '', './gone.mjs')
  await fails(t, place, ['run'], { code: 'KPIPE_PIPELINE_INVALID', says: [/there is no stage \.\/gone\.mjs/], hint: /./ })
})

test('a stage that wants another engine is named', async (t) => {
  const place = await placeWith(t, codec(''))
  writeFileSync(place.at('package.json'), '{ "version": "2.0.0", "peerDependencies": { "@kpipe/engine": ">=99" } }')
  const says = [/stage \.\/own\.mjs 2\.0\.0 wants @kpipe\/engine >=99, and this is \d/]
  await fails(t, place, ['run'], { code: 'KPIPE_PIPELINE_INVALID', says, hint: /./ })
})

const workingFaults: readonly [string, string, RegExp][] = [
  ['throws in a worker', `encode() { throw new Error('no more room') }`, /^kpipe: stage \.\/own\.mjs failed: no more room/],
  ['ends its worker', 'encode: () => process.exit(0)', /^kpipe: stage \.\/own\.mjs ended its worker thread/],
  ['throws when it is opened', `get encode() { throw new Error('not today') }`, /^kpipe: stage \.\/own\.mjs failed: not today/],
]

for (const [how, encode, says] of workingFaults) {
  test(`a stage that ${how} is named, and nothing is published`, async (t) => {
    const place = await placeWith(t, codec(`open: () => ({ ${encode}, decode: (bytes) => bytes })`))
    const { code, stderr } = await place.kpipe(['run'])
    t.equal(code, 78, stderr)
    t.match(stderr, says)
    t.notMatch(stderr, /\n\s+at .*:\d+/, 'no stack trace')
    t.equal(await place.logKinds(), 'GENESIS OPEN ABORT')
    t.match((await place.kpipe(['run', '-vv'])).stderr, /\n\s+at .*own\.mjs|ended its worker/, 'but with -vv')
  })
}

test('a stage that crashes the process leaves nothing that is taken for a snapshot', async (t) => {
  const crash = `encode: () => process.kill(process.pid, 'SIGSEGV'), decode: (bytes) => bytes`
  const place = await placeWith(t, codec(`open: () => ({ ${crash} })`))
  const { code, signal } = await place.kpipe(['run'])
  t.equal(signal, 'SIGSEGV', `it ended with ${code}`)
  t.equal(await place.logKinds(), 'GENESIS OPEN')
  t.match(await place.kpipe(['snapshots', '--json']), { code: 0, stdout: '[]\n' })
  place.pipeline('{ use: file, with: { path: ./snap.db } }')
  t.match(await place.kpipe(['run']), { code: 0 }, 'the next run is not in its way')
})
