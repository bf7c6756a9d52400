// Plain JavaScript: runs on the machine's own Node, which may be 20, before anything is installed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endBySignal, onEnding } from './forward-signals.mjs'
import { installDependencies } from './install.mjs'

const scripts = dirname(fileURLToPath(import.meta.url))
const bin = join(scripts, '../node_modules/.bin')

/**
 * Installs what is needed, then runs a script on the Node that came with it, and ends as the script ends.
 * Throws one sentence when it cannot come to that.
 */
export async function launch(script) {
  await installDependencies()
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  const args = ['--conditions=kpipe-source', join(scripts, script), ...process.argv.slice(2)]
  // Through the channel the script learns when this process is killed.
  const child = spawn(newNode(), args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  onEnding((signal) => child.kill(signal))
  const [code, signal] = await once(child, 'close')
  process.exitCode = code ?? 1
  if (signal) endBySignal(signal)
}

/** The Node that npm brought, or this one where it is new enough. */
function newNode() {
  const bundled = join(bin, 'node')
  if (existsSync(bundled)) return bundled
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  throw new Error(`kpipe needs Node 24 or later: this is ${process.version}, and npm has none for ${process.platform} on ${process.arch}`)
}
