import { delimiter, join } from 'node:path'
import { loopbackEnv } from '../../scripts/loopback-env.ts'
import { peakOfChild, runChild, type Run } from './child.ts'

const bin = join(import.meta.dirname, '../../node_modules/.bin')
const command = join(bin, 'kpipe')

/** The command of a clone on its own Node, as a user has it. */
export function kpipe(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  return runChild(command, args, environment(env))
}

/** Peak resident memory in bytes of the same command. */
export function kpipePeak(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return peakOfChild(command, args, environment(env))
}

function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...loopbackEnv(), PATH: `${bin}${delimiter}${process.env['PATH']}`, ...env }
}
