import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import type { Test } from 'tap'
import { openScratch } from '../../src/scratch/scratch-folder.ts'

function parentOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-cli-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A folder as one process left it. */
function leftOver(parent: string, name: string, owner?: object): string {
  const folder = join(parent, name)
  mkdirSync(folder)
  writeFileSync(join(folder, 'snapshot'), 'secret')
  if (owner !== undefined) writeFileSync(join(folder, 'owner'), JSON.stringify(owner))
  return folder
}

async function ownerHere(parent: string): Promise<Record<string, unknown>> {
  const scratch = await openScratch(parent, 'drill')
  const owner = JSON.parse(readFileSync(scratch.at('owner'), 'utf8')) as Record<string, unknown>
  await scratch.remove()
  return owner
}

test('a scratch folder is for its owner alone, and goes away', async (t) => {
  const parent = parentOf(t)
  const scratch = await openScratch(parent, 'drill')
  t.match(readdirSync(parent), [new RegExp(`^kpipe-drill-${process.pid}-`)])
  t.equal(statSync(scratch.folder).mode & 0o777, 0o700)
  const other = await openScratch(parent, 'salvage')
  t.ok(existsSync(scratch.folder), 'one in use is left alone')
  await Promise.all([scratch.remove(), other.remove()])
  t.same(readdirSync(parent), [])
})

test('what a dead process left is removed, with the process that runs there; what may be in use is not', async (t) => {
  const parent = parentOf(t)
  const owner = await ownerHere(parent)
  const dead = { ...owner, pid: 2 ** 22 + 1 }
  const gone = [
    leftOver(parent, 'kpipe-drill-1-aaaaaa', dead),
    leftOver(parent, 'kpipe-salvage-1-bbbbbb', dead),
    leftOver(parent, 'kpipe-drill-1-cccccc', { ...owner, began: '1' }), // its number is another process's by now
  ]
  const old = leftOver(parent, 'kpipe-drill-1-dddddd')
  const stays = [
    leftOver(parent, 'kpipe-drill-1-eeeeee', owner),
    leftOver(parent, 'kpipe-drill-1-ffffff'), // it may have been made just now
    leftOver(parent, 'kpipe-drill-1-gggggg', { ...dead, system: 'another' }),
    leftOver(parent, 'kpipe-drill-of-mine', dead),
  ]
  utimesSync(old, 1, 1)
  const elsewhere = leftOver(parent, 'elsewhere', dead)
  symlinkSync(elsewhere, join(parent, 'kpipe-drill-1-hhhhhh'))
  const running = spawn('sleep', ['600'], { cwd: gone[0], stdio: 'ignore' })
  t.teardown(() => running.kill('SIGKILL'))
  await once(running, 'spawn')
  writeFileSync(join(gone[0]!, 'process'), String(running.pid))
  writeFileSync(join(gone[1]!, 'process'), String(process.pid)) // which does not run there
  const ended = once(running, 'exit')
  const scratch = await openScratch(parent, 'drill')
  t.same(await ended, [null, 'SIGKILL'])
  for (const folder of [...gone, old]) t.notOk(existsSync(folder), folder)
  for (const folder of [...stays, elsewhere]) t.ok(existsSync(join(folder, 'snapshot')), folder)
  await scratch.remove()
})

test('a place that cannot be used is told', async (t) => {
  await t.rejects(openScratch(join(parentOf(t), 'none'), 'drill'), { code: 'KPIPE_TARGET_FAILED', message: /none cannot be used: / })
})
