import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'tap'

/** A process that takes signals as kpipe does, and its lines so far. */
async function waiting(t: { after(done: () => void): void }) {
  const script = join(import.meta.dirname, 'support/stays-alive.ts')
  const child = spawn(process.execPath, ['--conditions=kpipe-source', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const said: string[] = []
  const lines = createInterface(child.stdout)
  lines.on('line', (line) => said.push(line))
  await once(lines, 'line')
  return { child, said, lines }
}

test('the second signal ends the process at once', async (t) => {
  const { child, said, lines } = await waiting(t)
  const told = once(lines, 'line')
  child.kill('SIGTERM')
  await told
  await delay(150)
  const ended = once(child, 'exit')
  child.kill('SIGINT')
  t.same(await ended, [130, null])
  t.same(said, ['ready', 'stopping; once more stops at once', 'stopped by SIGTERM'])
})

test('a signal that arrives twice at the same time counts once', async (t) => {
  const { child, said, lines } = await waiting(t)
  const told = once(lines, 'line')
  child.kill('SIGINT')
  child.kill('SIGTERM')
  await told
  await delay(300)
  t.equal(child.exitCode, null)
  t.equal(said.filter((line) => line.startsWith('stopped by')).length, 1)
})
