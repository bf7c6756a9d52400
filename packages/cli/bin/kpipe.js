#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read: it only finds the Node and the code to run.
// An import statement has node load every part of its modules, which takes longer than all else here.
const builtin = async (name) => (process.getBuiltinModule ? process.getBuiltinModule(name) : (await import(name)).default)
const { existsSync, mkdirSync, readFileSync, realpathSync } = await builtin('node:fs')
const module = await builtin('node:module')
const { constants, homedir } = await builtin('node:os')
const { dirname, join, sep } = await builtin('node:path')
const { fileURLToPath, pathToFileURL } = await builtin('node:url')

const neededNode = 24
const here = dirname(realpathSync(fileURLToPath(import.meta.url)))
const packageFolder = dirname(here)

if (Number.parseInt(process.versions.node, 10) < neededNode) await startBundledNode()
else if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === 'version')) printVersion()
else await start()

async function start() {
  cacheCompiledCode()
  await import(pathToFileURL(entry()).href)
}

/** In a clone the sources run as they are; an installed package holds compiled files. */
function entry() {
  const source = join(packageFolder, 'src', 'main.ts')
  const inClone = !here.includes(`${sep}node_modules${sep}`) && existsSync(source)
  if (!inClone) return join(packageFolder, 'dist', 'main.js')
  module.registerHooks({
    resolve: (specifier, context, next) => next(specifier, { ...context, conditions: [...context.conditions, 'kpipe-source'] }),
  })
  return source
}

/** A cache that cannot be written only makes the start slower. Worker threads learn of it from the environment alone. */
function cacheCompiledCode() {
  const { XDG_CACHE_HOME: cache, NODE_COMPILE_CACHE: chosen } = process.env
  if (chosen) return
  try {
    const folder = join(cache && cache.startsWith('/') ? cache : join(homedir(), '.cache'), 'kpipe', 'compiled')
    // What lies there is run: nobody else may write it, whatever the umask.
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { directory } = module.enableCompileCache(folder)
    if (directory) process.env.NODE_COMPILE_CACHE = folder
  } catch {
    // No home folder: every start compiles.
  }
}

function printVersion() {
  const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
  process.stdout.write(`kpipe ${version} (node ${process.version})\n`)
}

async function startBundledNode() {
  const node = bundledNode()
  if (node === undefined) {
    process.stderr.write(
      `kpipe: kpipe needs Node >= ${neededNode}, this is ${process.version}; install a newer Node, or the package node-${process.platform}-${process.arch} beside kpipe\n`,
    )
    process.exit(1)
  }
  const { spawn } = await import('node:child_process')
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // The child decides what a signal means; it takes one that reaches it twice at the same time as one.
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`kpipe: ${node} does not start: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code === null ? 1 : code)
    for (const name of signals) process.removeAllListeners(name)
    process.kill(process.pid, signal)
    process.exitCode = 128 + (constants.signals[signal] || 0)
  })
}

/** The Node that npm installed with kpipe: beside it, or in a folder above. */
function bundledNode() {
  if (process.platform !== 'linux') return undefined
  for (let folder = packageFolder; ; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')
    if (existsSync(node)) return node
    if (folder === dirname(folder)) return undefined
  }
}
