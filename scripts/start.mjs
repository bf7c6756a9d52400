// npm start: installs what is needed, then runs the tour on the Node that came with it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { bin, clone, newNode } from './clone.mjs'
import { endBySignal, onEnding } from './forward-signals.mjs'
import { installDependencies } from './install.mjs'

try {
  await installDependencies()
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  // Through the channel the tour learns when this process is killed.
  const child = spawn(newNode(), ['--conditions=kpipe-source', join(clone, 'scripts/tour.ts')], {
    env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  onEnding((signal) => child.kill(signal))
  const [code, signal] = await once(child, 'close')
  process.exitCode = code ?? 1
  if (signal) endBySignal(signal)
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
