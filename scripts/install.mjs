import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const clone = join(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * Installs the dependencies when they are missing or other than the lockfile says; no install script is run.
 * Says what it does and how long it took. Throws one sentence, after npm's own words, when npm fails.
 */
export async function installDependencies(log = console.log) {
  const stale = await firstDifference()
  if (!stale) return
  log(`Installing the dependencies (npm ci --ignore-scripts): ${stale}.`)
  const start = performance.now()
  await npm([
    'ci',
    '--ignore-scripts',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--no-update-notifier',
    '--loglevel=error',
  ])
  log(`Installed in ${((performance.now() - start) / 1000).toFixed(0)} s.`)
}

/** What npm has installed stands in a lockfile of its own; the first package in which it differs from ours, or undefined. */
async function firstDifference() {
  const [wanted, installed] = await Promise.all(['package-lock.json', 'node_modules/.package-lock.json'].map(packages))
  if (!wanted) throw new Error('package-lock.json cannot be read')
  if (!installed) return 'there are none'
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') || !belongsHere(entry)) continue
    const found = installed[path]
    if (!found) return `${path.slice('node_modules/'.length)} is missing`
    if (found.version !== entry.version || found.integrity !== entry.integrity)
      return `${path.slice('node_modules/'.length)} is of another version`
  }
  return undefined
}

async function packages(file) {
  try {
    return JSON.parse(await readFile(join(clone, file), 'utf8')).packages
  } catch {
    return undefined
  }
}

/** Optional packages for other machines are left out by npm; of those for one C library or another it knows better. */
function belongsHere({ optional, os, cpu, libc }) {
  if (!optional) return true
  return !libc && (!os || os.includes(process.platform)) && (!cpu || cpu.includes(process.arch))
}

function npm(args) {
  // The npm that runs this script, if one does; else that of PATH.
  const cli = process.env.npm_execpath
  const [command, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []]
  const child = spawn(command, [...first, ...args], { cwd: clone, stdio: ['ignore', 'ignore', 'inherit'] })
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`npm could not be started: ${error.message}`)))
    child.once('close', (code, signal) => (code === 0 ? resolve() : reject(new Error(`npm ci ended with ${signal ?? `code ${code}`}`))))
  })
}
