import { readFileSync } from 'node:fs'
import { ownChild } from '../../scripts/children.ts'

export interface Run {
  readonly seconds: number
  /** Of the process and what it waited for, user and system, in steps of 10 ms. */
  readonly cpuSeconds: number
  readonly stdout: string
}

/** Runs a program to its end, from spawn to exit. Only one may be under way: its CPU time is read off this process. @throws when it fails */
export async function runChild(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): Promise<Run> {
  return await start(command, args, env, cwd).ended
}

/**
 * Peak resident memory of a program and of what it starts, in bytes: the kernel's own high-water marks of all that run at a time, read every
 * 2 ms. Costs some time of a processor, so that no time is taken of the same run.
 */
export async function peakOfChild(command: string, args: readonly string[], env: NodeJS.ProcessEnv, cwd?: string): Promise<number> {
  const { pid, ended } = start(command, args, env, cwd)
  let peakKiB = 0
  const timer = setInterval(() => {
    peakKiB = Math.max(peakKiB, highWaterKiB(pid))
  }, 2)
  await ended.finally(() => clearInterval(timer))
  return peakKiB * 1024
}

function start(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd?: string,
): { readonly pid: number; readonly ended: Promise<Run> } {
  const cpuBefore = childrenCpuSeconds()
  const began = performance.now()
  const child = ownChild(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  let seconds = 0
  child.once('exit', () => (seconds = (performance.now() - began) / 1000))
  const ended = new Promise<Run>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve({ seconds, cpuSeconds: childrenCpuSeconds() - cpuBefore, stdout })
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr.trim()}`))
    })
  })
  return { pid: child.pid ?? 0, ended }
}

/** Of a process and all below it; 0 once it has ended. */
function highWaterKiB(pid: number): number {
  try {
    const own = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
    const below = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    return below.reduce((sum, child) => sum + highWaterKiB(Number(child)), own)
  } catch {
    return 0
  }
}

/** CPU time of all children that have ended: fields 16 and 17 of /proc/self/stat, in clock ticks. */
function childrenCpuSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticksPerSecond = 100
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond
}
