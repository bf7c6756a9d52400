import { readFileSync } from 'node:fs'
import { ownChild } from '../../scripts/children.ts'

export interface Run {
  readonly seconds: number
  /** Of the process and what it waited for, user and system, in steps of 10 ms. */
  readonly cpuSeconds: number
  readonly stdout: string
}

/** Runs a program to its end, from spawn to exit. Only one may be under way: its CPU time is read off this process. @throws when it fails */
export async function runChild(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> {
  const cpuBefore = childrenCpuSeconds()
  const began = performance.now()
  const child = ownChild(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  let seconds = 0
  child.once('exit', () => (seconds = (performance.now() - began) / 1000))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr.trim()}`)
  return { seconds, cpuSeconds: childrenCpuSeconds() - cpuBefore, stdout }
}

/** CPU time of all children that have ended: fields 16 and 17 of /proc/self/stat, in clock ticks. */
function childrenCpuSeconds(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticksPerSecond = 100
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond
}
