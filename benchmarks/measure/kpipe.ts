import { readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { loopbackEnv } from '../../scripts/loopback-env.ts'
import { runChild, type Run } from './child.ts'

const bin = join(import.meta.dirname, '../../node_modules/.bin')

/** The command of a clone on its own Node, as a user has it. */
export function kpipe(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  return runChild(join(bin, 'kpipe'), args, { ...loopbackEnv(), PATH: `${bin}${delimiter}${process.env['PATH']}`, ...env })
}

/** Peak resident memory in bytes of the same command; `folder` takes a note of it. A run of its own, so that measuring costs no other run time. */
export async function kpipePeak(args: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}): Promise<number> {
  const note = join(folder, 'peak')
  rmSync(note, { force: true })
  await kpipe(args, { ...env, KPIPE_BENCH_PEAK: note, NODE_OPTIONS: `--import=${join(import.meta.dirname, 'report-peak.mjs')}` })
  return Number(readFileSync(note, 'utf8').trim()) * 1024
}
