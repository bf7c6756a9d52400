import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const children = new Set<ChildProcess>()
const folders = new Set<string>()
let watching = false

/** Spawns a process that never outlives this one: it is killed when this process exits or is ended by a signal. */
export function ownChild(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  watch()
  const child = spawn(command, args, options)
  children.add(child)
  child.once('exit', () => children.delete(child))
  child.once('error', () => {
    if (child.pid === undefined) children.delete(child)
  })
  return child
}

/** Makes a folder (0700) that is removed when this process ends; the owner may remove it earlier. */
export function ownFolder(prefix: string, parent = tmpdir()): string {
  watch()
  const folder = mkdtempSync(join(parent, prefix))
  folders.add(folder)
  return folder
}

/** Removes a folder of `ownFolder`, or forgets it when it was renamed away. */
export function dropFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  folders.delete(folder)
}

function watch(): void {
  if (watching) return
  watching = true
  process.once('exit', endAll)
  for (const signal of signals) process.on(signal, endBySignal)
}

// The listener stays until everything is done: without one, a second Ctrl-C would end this process half way.
function endBySignal(signal: NodeJS.Signals): void {
  endAll()
  process.removeListener(signal, endBySignal)
  process.kill(process.pid, signal)
}

// All of it is synchronous: nothing asynchronous runs once a process is exiting.
function endAll(): void {
  for (const child of children) child.kill('SIGKILL')
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  folders.clear()
}
