import { createHash } from 'node:crypto'
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import type { BuildOptions } from 'esbuild'
import { heldStages } from './held-stages.ts'
import { lazyOclif } from './lazy-oclif.ts'
import { lazyPackages } from './lazy-packages.ts'
import { plainBuiltins } from './plain-builtins.ts'
import { clone, workspacePackages } from './workspace.ts'

/** Bundled code is ESM; what was CommonJS in it goes on asking for these. */
const commonJs = [
  "import { createRequire as createRequireHere } from 'node:module'",
  'const require = createRequireHere(import.meta.url)',
  'const __dirname = import.meta.dirname, __filename = import.meta.filename',
].join('\n')

/** Compiled for one machine each, and done without where they are missing: thread priorities, and faster msgpack. */
const nativeExtras = ['@napi-rs/nice', 'msgpackr-extract']

/**
 * The command line with its workers and all of kpipe's stages in one folder that needs no node_modules: `bin/kpipe.js`,
 * and in `dist/` the command line, the worker, and each stage.
 * @param to made anew
 */
export async function bundle(to: string): Promise<void> {
  rmSync(to, { recursive: true, force: true })
  mkdirSync(join(to, 'dist'), { recursive: true })
  const stages = workspacePackages().filter(({ folder }) => folder.includes('/stage-'))
  const stageEntries = stages.map(({ folder }) => [folder.split('/')[1]!, join(clone, folder, 'src/index.ts')] as const)
  // Piscina looks for `worker.js` beside itself; that file imports ours.
  const piscinaWorker = join(dirname(createRequire(join(clone, 'packages/engine/package.json')).resolve('piscina')), 'worker.js')
  const modules = [...stageEntries, ['engine-worker', join(clone, 'packages/engine/src/workers/worker.ts')] as const]
  const options: BuildOptions = {
    outdir: join(to, 'dist'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    conditions: ['kpipe-source'],
    external: nativeExtras,
    plugins: [lazyPackages, plainBuiltins, lazyOclif],
    define: { 'import.meta.resolve': 'resolveBeside', bundledModules: JSON.stringify(modules.map(([name]) => name).join(' ')) },
    inject: [join(import.meta.dirname, 'beside-bundle.ts')],
    banner: { js: commonJs },
    // Names stay as they are, for stack traces; white space costs time at every start.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'linked',
    logLevel: 'warning',
  }
  // A module costs a third of a millisecond to find and load, whatever is in it: each of these is one file, and of a
  // stage or worker only what is seldom loaded is a file of its own.
  await buildCommandLine(to, options, stageEntries)
  for (const [name, path] of [...modules, ['worker', piscinaWorker] as const])
    await build({ ...options, entryPoints: { [name]: path }, splitting: true, chunkNames: 'part-[hash]' })
  cpSync(join(clone, 'packages/cli/bin'), join(to, 'bin'), { recursive: true })
  for (const file of ['LICENSE', 'packages/cli/README.md']) copyFileSync(join(clone, file), join(to, file.split('/').at(-1)!))
  const { manifest } = workspacePackages().find(({ folder }) => folder === 'packages/cli')!
  const { name, version } = manifest
  writeFileSync(join(to, 'package.json'), `${JSON.stringify({ name, version, type: 'module', bin: { kpipe: 'bin/kpipe.js' } }, null, 2)}\n`)
}

/**
 * `main.script.js`, the command line as one function that gets `require`, its `import.meta` and a way to import modules; and `main.js`,
 * which runs it.
 */
async function buildCommandLine(to: string, options: BuildOptions, stages: readonly (readonly [string, string])[]): Promise<void> {
  const { outputFiles } = await build({
    ...options,
    entryPoints: { 'main.script': join(clone, 'packages/cli/src/main.ts') },
    plugins: [heldStages(stages), ...options.plugins!],
    define: { ...options.define, 'import.meta': 'meta' },
    banner: { js: '(async function (require, meta, importOutside) { const { dirname: __dirname, filename: __filename } = meta' },
    footer: { js: '})' },
    write: false,
  })
  for (const { path, text } of outputFiles) {
    // Read as Latin-1, which is fastest; what esbuild leaves beyond ASCII stands in regular expressions.
    const ascii = text.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    writeFileSync(path, ascii)
    if (!path.endsWith('.js')) continue
    const digest = createHash('sha256').update(ascii).digest('hex').slice(0, 16)
    const start = readFileSync(join(import.meta.dirname, 'start-script.js'), 'utf8')
    writeFileSync(join(to, 'dist/main.js'), start.replaceAll('${scriptDigest}', digest))
  }
}
