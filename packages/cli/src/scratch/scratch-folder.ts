import { readFileSync, readlinkSync, rmSync } from 'node:fs'
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { failing } from './failing.ts'

/** A folder for restored bytes that nobody else may see (0700) and that goes away again. */
export interface Scratch {
  readonly folder: string
  at(name: string): string
  /** A process that runs in the folder or below: whoever finds the folder left over ends it first. */
  noteProcess(pid: number): Promise<void>
  remove(): Promise<void>
}

export type ScratchKind = 'drill' | 'salvage'

const ownerFile = 'owner'
const processFile = 'process'
/** What may be somebody's of another system, or has no owner file yet, is left alone for so long. */
const unknownForMs = 24 * 3600 * 1000
const processEndsWithinMs = 2000

/** Makes a folder in `parent`, and removes those there that processes left which are no more. @throws KpipeError KPIPE_TARGET_FAILED */
export async function openScratch(parent: string, kind: ScratchKind): Promise<Scratch> {
  return failing(parent, async () => {
    await sweep(parent)
    const folder = await mkdtemp(join(parent, `kpipe-${kind}-${process.pid}-`))
    await writeFile(join(folder, ownerFile), JSON.stringify(self()), { mode: 0o600 })
    // Also when a second signal ends the process at once.
    const atExit = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
    process.once('exit', atExit)
    return {
      folder,
      at: (name) => join(folder, name),
      noteProcess: (pid) => writeFile(join(folder, processFile), String(pid), { mode: 0o600 }),
      async remove() {
        await failing(folder, () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }))
        process.off('exit', atExit)
      },
    }
  })
}

interface Owner {
  readonly pid: number
  /** Where its number means the same process: boot, and space of process numbers; empty where the system does not tell. */
  readonly system: string
  /** When the process began, in ticks of the system's clock; empty where it does not tell. */
  readonly began: string
}

function self(): Owner {
  return { pid: process.pid, system: runningSystem(), began: beginningOf(process.pid) }
}

function runningSystem(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return ''
  }
}

/** Field 22 of /proc/PID/stat; the name in field 2 may hold anything. */
function beginningOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!/^kpipe-(?:drill|salvage)-\d+-\w+$/.test(name)) continue
    const folder = join(parent, name)
    // Whatever cannot be looked at or removed is left to its owner.
    if (await isLeftOver(folder).catch(() => false)) await removeLeftOver(folder).catch(() => undefined)
  }
}

async function isLeftOver(folder: string): Promise<boolean> {
  const stat = await lstat(folder)
  if (!stat.isDirectory() || stat.uid !== process.geteuid!()) return false
  const owner = await readOwner(folder)
  const isOld = Date.now() - stat.mtimeMs > unknownForMs
  if (owner === undefined || owner.system !== runningSystem()) return isOld
  return !isAlive(owner)
}

async function readOwner(folder: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, ownerFile), 'utf8')) as Owner
  } catch {
    return undefined
  }
}

function isAlive({ pid, began }: Owner): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
  return beginningOf(pid) === began
}

async function removeLeftOver(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, processFile), 'utf8').catch(() => ''))
  // By where it runs, for its number may be another process's by now.
  const runsHere = () => pid > 0 && `${workingFolder(pid)}/`.startsWith(`${folder}/`)
  if (runsHere()) process.kill(pid, 'SIGKILL')
  for (let waited = 0; runsHere() && waited < processEndsWithinMs; waited += 20) await setTimeout(20)
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}
