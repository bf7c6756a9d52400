import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { stageLoader } from '@kpipe/engine'
import type { Pipeline } from '@kpipe/engine'
import { test } from 'tap'
import { codecFinder } from '../../src/restore/codec-finder.ts'

const codec = `export default { kind: 'codec', summary: '', seals: false, open() {}, settings: { type: 'object', properties: {} } }`
const evil = `globalThis.evilRan = true; ${codec}`

const record = (stage: string) => ({ stage, version: '1.2.3', settings: {} })

test('nothing is loaded because a snapshot names it, but what comes with kpipe', async (t) => {
  const folder = t.testdir({
    'own.mjs': codec,
    'evil.mjs': evil,
    node_modules: { 'kpipe-stage-evil': { 'package.json': '{ "type": "module", "exports": "./index.js" }', 'index.js': evil } },
    '@kpipe': { 'stage-x': { 'index.mjs': evil } },
  })
  const here = process.cwd()
  t.teardown(() => process.chdir(here))
  process.chdir(folder)
  const asked: string[] = []
  const resolveOwn = (specifier: string) => {
    asked.push(specifier)
    return pathToFileURL(`${folder}/${specifier === '@kpipe/stage-own' ? 'own' : 'evil'}.mjs`).href
  }
  const find = codecFinder(stageLoader({ resolveOwn }), undefined)
  t.match(await find(record('@kpipe/stage-own')), { package: '@kpipe/stage-own', firstParty: true })
  t.same(asked, ['@kpipe/stage-own'])
  const foreign = [
    './evil.mjs',
    'evil.mjs',
    `${folder}/evil.mjs`,
    `file://${folder}/evil.mjs`,
    `data:text/javascript,${evil}`,
    'evil',
    'kpipe-stage-evil',
    '@acme/kpipe-stage-evil',
    '@kpipe/stage-x/../../evil.mjs',
    '@kpipe/stage-x/index.mjs',
    '@kpipe/../evil.mjs',
    '@kpipe/stage-',
    '@kpipe/stage-..',
    '@kpipe/stage-x\n',
    '@kpipe/stage-X',
    '@kpipe/stage-\u0445',
    ' @kpipe/stage-own',
    '@kpipe\\stage-own',
    '@KPIPE/stage-own',
    'own',
    '',
  ]
  for (const stage of foreign) {
    await t.rejects(find(record(stage)), {
      code: 'KPIPE_STAGE_MISSING',
      message: `the snapshot was made with ${stage} 1.2.3, which the pipeline file does not name`,
    })
  }
  t.same(asked, ['@kpipe/stage-own'], 'nobody looked for them')
  t.notOk('evilRan' in globalThis)
})

test('what the pipeline file or --stage names is loaded from there', async (t) => {
  const folder = t.testdir({})
  writeFileSync(`${folder}/mine.mjs`, codec)
  const resolveOwn = (specifier: string) => {
    throw new Error(`no ${specifier}`)
  }
  const pipeline = { folder, codecs: [{ package: './mine.mjs' }] } as unknown as Pipeline
  const url = pathToFileURL(`${folder}/mine.mjs`).href
  t.match(await codecFinder(stageLoader({ resolveOwn }), pipeline)(record('./mine.mjs')), { url, firstParty: false })
  await t.rejects(codecFinder(stageLoader({ resolveOwn }), pipeline)(record('./other.mjs')), { code: 'KPIPE_STAGE_MISSING' })
  const overrides = new Map([['@acme/kpipe-stage-mine', `${folder}/mine.mjs`]])
  const find = codecFinder(stageLoader({ resolveOwn, overrides }), undefined, [...overrides.keys()])
  t.match(await find(record('@acme/kpipe-stage-mine')), { url, package: '@acme/kpipe-stage-mine' })
})
