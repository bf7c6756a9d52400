import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { loopbackEnv } from '../../scripts/loopback-env.ts'
import { bytesBelow } from '../measure/bytes-below.ts'
import { peakOfChild, runChild, type Run } from '../measure/child.ts'
import type { Command, Tool } from './tool.ts'

export interface Ran extends Run {
  /** Of the repository, by a backup. */
  readonly grownBytes?: number
}

/** A tool with a repository of its own. */
export interface Runner {
  readonly tool: Tool
  /** Backs up into a copy of the repository. */
  backUp(file: string, label: string): Promise<Ran>
  /** Peak memory of the same, in bytes. */
  backUpPeak(file: string, label: string): Promise<number>
  /** Backs up into the repository itself. */
  keep(file: string, label: string): Promise<void>
  restore(label: string): Promise<Ran>
  restorePeak(label: string): Promise<number>
  /** The file that was restored last. */
  restored(): string
  list(): Promise<Ran>
  /** Of the repository. */
  bytes(): number
}

/** @param folder made; the tool works in one place in it, where the repository or a copy of it then is */
export async function newRunner(tool: Tool, folder: string): Promise<Runner> {
  const [work, state, out] = [join(folder, 'work'), join(folder, 'state'), join(folder, 'out')]
  mkdirSync(work, { recursive: true })
  for (const command of tool.init(work)) await run(command)
  copyFolder(work, state)
  const asKept = () => {
    copyFolder(state, work)
    settle(folder)
  }
  const backUp = async (file: string, label: string): Promise<Ran> => {
    asKept()
    const before = bytesBelow(tool.repository(work))
    const ran = await run(tool.backUp(work, file, label))
    return { ...ran, grownBytes: bytesBelow(tool.repository(work)) - before }
  }
  const emptyOut = () => {
    rmSync(out, { recursive: true, force: true })
    mkdirSync(out)
    settle(folder)
  }
  return {
    tool,
    backUp,
    async backUpPeak(file, label) {
      asKept()
      return await peak(tool.backUp(work, file, label))
    },
    async keep(file, label) {
      await backUp(file, label)
      copyFolder(work, state)
    },
    async restore(label) {
      emptyOut()
      return await run(tool.restore(work, label, out))
    },
    async restorePeak(label) {
      emptyOut()
      return await peak(tool.restore(work, label, out))
    },
    restored() {
      const found = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      if (found.length !== 1) throw new Error(`${tool.name} restored ${found.length} files instead of one`)
      return join(found[0]!.parentPath, found[0]!.name)
    },
    list: () => run(tool.list(work)),
    bytes: () => bytesBelow(tool.repository(state)),
  }
}

function run({ command, args, env, cwd }: Command): Promise<Run> {
  return runChild(command, args, { ...loopbackEnv(), ...env }, cwd)
}

function peak({ command, args, env, cwd }: Command): Promise<number> {
  return peakOfChild(command, args, { ...loopbackEnv(), ...env }, cwd)
}

function copyFolder(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true })
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
}

/** What was copied or removed is on its way to the disk, and the fsyncs of what is measured would wait for it. */
function settle(folder: string): void {
  execFileSync('sync', ['-f', folder])
}
