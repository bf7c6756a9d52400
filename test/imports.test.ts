import { readFileSync, readdirSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { test } from 'tap'

const root = resolve(import.meta.dirname, '..')

/** Which of our own modules a package may import. Stages get the contracts and nothing else, as anybody's stage does. */
const stageRule = ['@kpipe/engine/contracts']
const rules: Readonly<Record<string, readonly string[]>> = {
  'packages/engine': [],
  'packages/bolt': [],
  'packages/repository': ['@kpipe/engine/contracts'],
  'packages/stage-etcd': [...stageRule, '@kpipe/bolt'],
  'packages/stage-store-fs': stageRule,
  'packages/cli': ['@kpipe/engine', '@kpipe/engine/contracts', '@kpipe/repository', '@kpipe/bolt'],
}

/** Tests of a package may also use the engine's conformance suites. */
const forTests = ['@kpipe/engine/testing']

/** The fault suites put a repository on a simulated disk under the real directory store, and fuzz all decoders in one place. */
const forTorture = [...forTests, '@kpipe/stage-store-fs', '@kpipe/bolt']

interface Import {
  readonly file: string
  readonly specifier: string
}

const packages = ['packages', 'plugins'].flatMap((room) =>
  readdirSync(join(root, room), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${room}/${entry.name}`),
)

function importsOf(folder: string): Import[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|js|mjs)$/.test(path) && !path.split(sep).some((part) => ['node_modules', 'dist', 'fixtures'].includes(part)))
    .flatMap((path) =>
      specifiersIn(readFileSync(join(root, folder, path), 'utf8')).map((specifier) => ({ file: join(folder, path), specifier })),
    )
}

/** A package may speak of itself by name, which is how its own exports are tested. */
function nameOf(folder: string): string {
  return folder === 'packages/cli' ? 'kpipe' : `@kpipe/${folder.split('/')[1]}`
}

/** Static, dynamic and type imports, re-exports, require and import.meta.resolve, where the name is written out. */
function specifiersIn(code: string): string[] {
  const forms = [
    /^\s*(?:import|export)\s(?:[^'"`;]*?\sfrom\s*)?['"]([^'"]+)['"]/gm,
    /\b(?:import|require|import\.meta\.resolve)\(\s*['"]([^'"]+)['"]/g,
  ]
  return forms.flatMap((form) => [...code.matchAll(form)].map((match) => match[1]!))
}

function furtherFor(folder: string, file: string): readonly string[] {
  if (file.startsWith(`${folder}/test/`)) return forTests
  return file.startsWith('packages/repository/torture/') ? forTorture : []
}

/** Sentences about the imports of `folder` that its rule does not allow. */
function offences(folder: string, imports: readonly Import[]): string[] {
  const rule = rules[folder] ?? (folder.startsWith('plugins/') ? stageRule : undefined)
  if (rule === undefined) return [`${folder} has no rule`]
  return imports.flatMap(({ file, specifier }) => {
    const allowed = [...rule, ...furtherFor(folder, file)]
    const ours = specifier === 'kpipe' || specifier.startsWith('kpipe/') || specifier.startsWith('@kpipe/')
    const own = specifier === nameOf(folder) || specifier.startsWith(`${nameOf(folder)}/`)
    if (ours && !own && !allowed.includes(specifier)) return [`${file} imports ${specifier}`]
    if (specifier.startsWith('/') || specifier.startsWith('file:')) return [`${file} imports the absolute path ${specifier}`]
    const leaves = specifier.startsWith('.') && relative(join(root, folder), resolve(root, file, '..', specifier)).startsWith('..')
    return leaves ? [`${file} leaves its package with ${specifier}`] : []
  })
}

test('every package imports only what its room allows', async (t) => {
  let seen = 0
  for (const folder of packages) {
    const imports = importsOf(folder)
    seen += imports.length
    t.same(offences(folder, imports), [], folder)
  }
  t.ok(seen > 100, `${seen} imports were read`)
})

test('a dependency of our own is declared where it is imported', async (t) => {
  for (const folder of packages) {
    const declared = Object.keys(JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).dependencies ?? {})
    const used = importsOf(folder)
      .filter(({ file, specifier }) => specifier.startsWith('@kpipe/') && furtherFor(folder, file).length === 0)
      .map(({ specifier }) => specifier.split('/').slice(0, 2).join('/'))
      .filter((name) => name !== nameOf(folder))
    t.same(
      [...new Set(used)].filter((name) => !declared.includes(name)),
      [],
      folder,
    )
  }
})

test('the rules catch every arrow that must not be', async (t) => {
  const broken: [string, string][] = [
    ['packages/engine', "import { openRepository } from '@kpipe/repository'"],
    ['packages/bolt', "import type { Facts } from '@kpipe/engine/contracts'"],
    ['packages/repository', "export { backup } from '@kpipe/engine'"],
    ['packages/stage-store-fs', "const bolt = await import('@kpipe/bolt')"],
    ['packages/stage-etcd', "import { openRepository } from '@kpipe/repository'"],
    ['packages/cli', "import seal from '@kpipe/stage-seal'"],
    ['plugins/stage-seal', "import {\n  backup,\n} from '@kpipe/engine'"],
    ['plugins/stage-hash', "import 'kpipe'"],
    ['plugins/stage-hash', "import { cut } from '../../stage-chunk/src/chunk.ts'"],
    ['plugins/unknown', "import { x } from '@kpipe/bolt'"],
    ['packages/unknown', "import { x } from 'node:fs'"],
  ]
  for (const [folder, code] of broken) {
    const imports = specifiersIn(code).map((specifier) => ({ file: `${folder}/src/index.ts`, specifier }))
    t.equal(imports.length, 1, `${code} is read`)
    t.equal(offences(folder, imports).length, 1, `${folder}: ${code}`)
  }
})
