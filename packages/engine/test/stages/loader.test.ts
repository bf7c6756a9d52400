import { test } from 'tap'
import type { Test } from 'tap'
import { pathToFileURL } from 'node:url'
import { engineVersion } from '../../src/version.ts'
import { stageLoader } from '../../src/stages/loader.ts'
import { useStage } from '../../src/stages/loaded-stage.ts'
import { richSettings, stageModule, stageObject } from './stage-files.ts'

const packageOf = (name: string, main: string, more: object = {}) => ({
  'package.json': JSON.stringify({ name, version: '1.2.3', type: 'module', exports: './index.js', ...more }),
  'index.js': main,
})

/** A kpipe with stages of its own, and a folder with a pipeline file and other packages. */
function world(t: Test, overrides?: ReadonlyMap<string, string>) {
  const root = t.testdir({
    own: {
      'stage-etcd.js': `export default [${stageObject('source')}, ${stageObject('inspect')}]`,
      'stage-seal.js': stageModule('codec'),
      'kpipe-stage-global.js': stageModule('codec'),
    },
    folder: {
      'lone.mjs': stageModule('codec'),
      'broken.mjs': `throw new Error('out of order')`,
      'nothing.mjs': 'export const a = 1',
      'empty.mjs': 'export default []',
      'odd.mjs': `export default { kind: 'codecs' }`,
      'string.mjs': `export default 'x'`,
      'silent.mjs': `export default { kind: 'codec' }`,
      'bare.mjs': `export default { kind: 'codec', summary: '' }`,
      'headless.mjs': `export default { kind: 'chunk', summary: '', settings: { type: 'object', properties: {} }, plan() {} }`,
      'sealless.mjs': stageModule('codec', 'seals: undefined'),
      'twice.mjs': `export default [${stageObject('codec')}, ${stageObject('codec')}]`,
      'rich.mjs': stageModule('store', richSettings),
      nested: { 'stage.js': stageModule('codec'), 'package.json': '{ "type": "module", "version": "4.5.6" }' },
      node_modules: {
        'kpipe-stage-acme-redact': packageOf('kpipe-stage-acme-redact', stageModule('codec')),
        'kpipe-stage-seal': packageOf('kpipe-stage-seal', `throw new Error('must not run')`),
        'kpipe-stage-esm': packageOf('kpipe-stage-esm', stageModule('codec'), { exports: { '.': { import: './index.js' } } }),
        '@acme': { stages: packageOf('@acme/stages', stageModule('codec'), { exports: { './redact': './index.js' } }) },
        '@kpipe': { 'stage-seal': packageOf('@kpipe/stage-seal', `throw new Error('must not run')`) },
      },
    },
  })
  const own: Record<string, string> = {
    '@kpipe/stage-etcd': 'stage-etcd.js',
    '@kpipe/stage-seal': 'stage-seal.js',
    'kpipe-stage-global': 'kpipe-stage-global.js',
  }
  const resolveOwn = (specifier: string) => {
    if (!Object.hasOwn(own, specifier)) throw new Error(`no ${specifier}`)
    return pathToFileURL(`${root}/own/${own[specifier]}`).href
  }
  const options = { resolveOwn, names: ['etcd', 'seal'], ...(overrides && { overrides }) }
  return { root, folder: `${root}/folder`, loader: stageLoader(options) }
}

test("a bare name is kpipe's own stage, found beside kpipe only", async (t) => {
  const { root, folder, loader } = world(t)
  for (const name of ['seal', '@kpipe/stage-seal']) {
    const { stage, ...found } = await loader.load('codec', name, folder)
    t.equal(stage.kind, 'codec')
    t.match(found, { package: '@kpipe/stage-seal', firstParty: true, url: pathToFileURL(`${root}/own/stage-seal.js`).href })
  }
})

test("a bare name that is not kpipe's own is a package beside the pipeline file", async (t) => {
  const { folder, loader } = world(t)
  for (const name of ['acme-redact', 'kpipe-stage-acme-redact']) {
    const { stage, ...found } = await loader.load('codec', name, folder)
    t.equal(stage.kind, 'codec')
    t.match(found, { package: 'kpipe-stage-acme-redact', version: '1.2.3', firstParty: false })
  }
})

test('a package that can only be imported is found too', async (t) => {
  const { folder, loader } = world(t)
  t.match(await loader.load('codec', 'esm', folder), { package: 'kpipe-stage-esm', version: '1.2.3' })
})

test('a package that is not beside the pipeline file may be beside kpipe', async (t) => {
  const { folder, loader } = world(t)
  t.match(await loader.load('codec', 'global', folder), { package: 'kpipe-stage-global', firstParty: false })
})

test('a name with a slash or a dot is a path beside the file, or a package', async (t) => {
  const { folder, loader } = world(t)
  t.match(await loader.load('codec', './lone.mjs', folder), { package: './lone.mjs', firstParty: false })
  t.match(await loader.load('codec', 'lone.mjs', folder), { package: 'lone.mjs' })
  t.match(await loader.load('codec', `${folder}/lone.mjs`, '/'), { package: `${folder}/lone.mjs` })
  t.match(await loader.load('codec', './nested/stage.js', folder), { package: './nested/stage.js', version: '4.5.6' })
  t.match(await loader.load('codec', '@acme/stages/redact', folder), {
    package: '@acme/stages/redact',
    version: '1.2.3',
    firstParty: false,
  })
})

test('a name given with a file of its own leads there', async (t) => {
  const { folder } = world(t)
  const { loader } = world(
    t,
    new Map([
      ['kpipe-stage-acme-redact', `${folder}/lone.mjs`],
      ['gone', `${folder}/gone.mjs`],
    ]),
  )
  const found = await loader.load('codec', 'kpipe-stage-acme-redact', '/')
  t.match(found, { package: 'kpipe-stage-acme-redact', url: pathToFileURL(`${folder}/lone.mjs`).href, firstParty: false })
  await t.rejects(loader.load('codec', 'gone', '/'), {
    code: 'KPIPE_STAGE_MISSING',
    message: `there is no stage gone: looked for ${folder}/gone.mjs`,
  })
})

test('of a list of stages, the one of the kind is taken', async (t) => {
  const { folder, loader } = world(t)
  t.equal((await loader.load('source', 'etcd', folder)).stage.kind, 'source')
  t.equal((await loader.load('inspect', 'etcd', folder)).stage.kind, 'inspect')
  t.equal((await loader.load(['chunk', 'hash', 'inspect', 'codec'], 'etcd', folder)).stage.kind, 'inspect')
})

test('a stage that is nowhere is missing, and the nearest name is told', async (t) => {
  const { folder, loader } = world(t)
  const missing = async (name: string, message: string) => {
    await t.rejects(loader.load('codec', name, folder), { code: 'KPIPE_STAGE_MISSING', message })
  }
  await missing('sael', 'there is no stage sael: looked for @kpipe/stage-sael and kpipe-stage-sael; nearest: seal')
  await missing('seall', 'there is no stage seall: looked for @kpipe/stage-seall and kpipe-stage-seall; nearest: seal')
  await missing('./gone.js', `there is no stage ./gone.js: looked for ${folder}/gone.js`)
  await missing('./nested', `there is no stage ./nested: looked for ${folder}/nested`)
  await missing('@acme/gone', `there is no stage @acme/gone: looked for ${folder}/@acme/gone and package @acme/gone`)
  await missing('@kpipe/stage-gone', 'there is no stage @kpipe/stage-gone: looked for @kpipe/stage-gone')
})

test('a module that is no stage is told in one sentence', async (t) => {
  const { folder, loader } = world(t)
  const faults: Record<string, string> = {
    broken: 'cannot be loaded: out of order',
    nothing: 'has no default export that holds a stage',
    empty: 'has no default export that holds a stage',
    odd: 'is no stage: its default export has the kind "codecs", which is none of source, chunk, hash, inspect, codec, store, target',
    string: 'is no stage: its default export is string, not an object',
    silent: 'is no stage: its default export has no summary',
    bare: 'is no stage: its default export has no schema of its settings',
    headless: 'is no stage: its default export lacks anchor, cut, which a chunk stage has',
    sealless: 'is no stage: its default export lacks seals, which a codec stage has',
    twice: 'holds more than one codec stage; it holds: codec, codec',
    rich: 'holds no codec stage; it holds: store',
  }
  for (const [name, fault] of Object.entries(faults)) {
    const expected = { code: 'KPIPE_STAGE_INVALID', message: `stage ./${name}.mjs ${fault}` }
    await t.rejects(loader.load('codec', `./${name}.mjs`, folder), expected, name)
  }
})

test('a stage can be used without a pipeline file', async (t) => {
  const { folder, loader } = world(t)
  const store = await useStage(loader, 'store', './rich.mjs', { path: 'repo' }, folder)
  t.same(store.settings, { path: `${folder}/repo`, level: 3, algorithm: 'auto' })
  await t.rejects(useStage(loader, 'store', './rich.mjs', { pth: 'repo', level: 0 }, folder), {
    code: 'KPIPE_STAGE_INVALID',
    message:
      /^settings of stage \.\/rich\.mjs: (?=.*"path" is missing)(?=.*"level" must be at least 1)(?=.*"pth" is unknown; nearest: path)/,
  })
})

test('a module in no package has the version 0.0.0', async (t) => {
  const { mkdtempSync, writeFileSync, rmSync } = await import('node:fs')
  const { tmpdir } = await import('node:os')
  const folder = mkdtempSync(`${tmpdir()}/kpipe-`)
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(`${folder}/lone.mjs`, stageModule('codec'))
  t.match(await world(t).loader.load('codec', './lone.mjs', folder), { version: '0.0.0' })
})

test('all stages of a module are told, of whatever kind', async (t) => {
  const { folder, loader } = world(t)
  t.same(
    (await loader.loadAll('etcd', folder)).map(({ stage }) => stage.kind),
    ['source', 'inspect'],
  )
})

function notOurs(): never {
  throw new Error('kpipe has none')
}

test('a stage that wants another engine is refused before its module runs', async (t) => {
  const wanting = (range: string, main: string) => ({
    node_modules: { 'kpipe-stage-wants': packageOf('kpipe-stage-wants', main, { peerDependencies: { '@kpipe/engine': range } }) },
  })
  const loader = stageLoader({ resolveOwn: notOurs })
  await t.rejects(loader.load('codec', 'wants', t.testdir(wanting('^99.0.0', `throw new Error('must not run')`))), {
    code: 'KPIPE_STAGE_INVALID',
    message: `stage wants 1.2.3 wants @kpipe/engine ^99.0.0, and this is ${engineVersion}`,
  })
  await t.resolves(loader.load('codec', 'wants', t.testdir(wanting(`^${engineVersion}`, stageModule('codec')))))
})

test('a module with a mistake in its syntax is told in one line', async (t) => {
  const folder = t.testdir({ 'typo.mjs': 'export default {' })
  const loader = stageLoader({ resolveOwn: notOurs })
  await t.rejects(loader.load('codec', './typo.mjs', folder), {
    code: 'KPIPE_STAGE_INVALID',
    message: /^stage \.\/typo\.mjs cannot be loaded: SyntaxError: [^\n]+$/,
  })
})
