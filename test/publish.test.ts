import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { buildPackages } from '../scripts/build/build-packages.ts'
import { testFolder } from './support/folder.ts'
import { etcdTour, npm, pack, runOn, shortTour } from './support/installed.ts'
import { clone } from './support/kpipe.ts'

const stage = `import type { CodecStage } from '@kpipe/engine/contracts'
import { codecConformance } from '@kpipe/engine/testing'

export const copy: CodecStage<{ readonly level: number }> = {
  kind: 'codec', summary: 'copies', seals: false,
  settings: { type: 'object', properties: { level: { type: 'integer', description: 'Effort.' } }, additionalProperties: false },
  open: ({ level }) => ({ encode: (bytes) => bytes.slice(level), decode: (bytes, shape, decodedBytes) => bytes.slice(0, decodedBytes) }),
}
export const cases = codecConformance(copy)
`
const compilerOptions = {
  strict: true,
  noEmit: true,
  module: 'nodenext',
  target: 'es2024',
  types: ['node'],
  typeRoots: [''],
  skipLibCheck: false,
}

test('the packages hold what is run and read, and work where they are installed', async (t) => {
  const folder = testFolder(t)
  const packages = await buildPackages(join(folder, 'packages'))
  t.ok(packages.size >= 11)
  const tarballs: string[] = []
  for (const [name, place] of packages) {
    const { file, files } = await pack(place, folder)
    tarballs.push(file)
    const paths = files.map(({ path }) => path)
    for (const needed of ['package.json', 'README.md', 'LICENSE']) t.ok(paths.includes(needed), `${name} has ${needed}`)
    const odd = paths.filter((path) => !/^(dist\/.*\.(js|d\.ts)|bin\/kpipe\.js|[A-Z]+\.md|LICENSE|package\.json)$/.test(path))
    t.same(odd, [], `${name} holds nothing else`)
    t.notOk(
      paths.some((path) => /\.test\.|(^|\/)tests?\//.test(path)),
      `${name} holds no tests`,
    )
    t.notMatch(readFileSync(join(place, 'package.json'), 'utf8'), /kpipe-source|\/src\//, `${name} does not lead to sources`)
  }

  const place = join(folder, 'installed')
  mkdirSync(place)
  writeFileSync(join(place, 'package.json'), '{ "private": true, "type": "module" }')
  await npm(['install', ...tarballs], place)
  t.same(readdirSync(join(place, 'node_modules/@kpipe')).length, packages.size - 1)

  await t.test('on Node 26', (t) => shortTour(t, 26, '../node_modules/.bin/kpipe', join(place, 'tour-26')))
  await t.test('on Node 24', (t) => shortTour(t, 24, '../node_modules/.bin/kpipe', join(place, 'tour-24')))

  await t.test('on a live etcd with Node 26', (t) => etcdTour(t, 26, '../node_modules/.bin/kpipe', join(place, 'etcd-26')))
  await t.test('on a live etcd with Node 24', (t) => etcdTour(t, 24, '../node_modules/.bin/kpipe', join(place, 'etcd-24')))

  await t.test('a stage in TypeScript compiles against them, and its conformance suite can be run', async (t) => {
    writeFileSync(join(place, 'stage.ts'), stage)
    const options = { ...compilerOptions, typeRoots: [join(clone, 'node_modules/@types')] }
    writeFileSync(join(place, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['stage.ts'] }))
    const { code, stdout } = await runOn(26, [join(clone, 'node_modules/.bin/tsc'), '--project', '.'], place)
    t.equal(code, 0, stdout)
    const run = `import { cases } from './stage.ts'; console.log(cases.length)`
    const ran = await runOn(26, ['--input-type=module', '--eval', run], place)
    t.ok(Number(ran.stdout) > 5, ran.stderr)
  })

  await t.test('a new stage passes its conformance suite', async (t) => {
    const kinds = ['source', 'chunk', 'hash', 'inspect', 'codec', 'store', 'target']
    for (const kind of kinds) {
      const created = await runOn(26, ['node_modules/.bin/kpipe', 'stages', 'create', kind, `my-${kind}`], place)
      t.equal(created.code, 0, created.stderr)
      const own = join(place, `kpipe-stage-my-${kind}`)
      t.ok(existsSync(join(own, 'README.md')))
      const { code, stdout, stderr } = await runOn(26, ['--test', '--test-reporter=tap'], own)
      t.equal(code, 0, `${kind}: ${stdout}${stderr}`)
      t.ok(Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) >= 3, `${kind}: ${stdout}`)
    }
  })
})
