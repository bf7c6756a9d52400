import { delimiter, join } from 'node:path'
import { loopbackEnv } from '../../scripts/loopback-env.ts'
import { peakOfChild, runChild, type Run } from './child.ts'

/** Has the Node of the clone. */
export const nodeFolder = join(import.meta.dirname, '../../node_modules/.bin')
/** A release when its folder is given, else the command of the clone, which runs the sources. */
const release = process.env['KPIPE_BENCH_RELEASE']
export const command = release === undefined ? join(nodeFolder, 'kpipe') : join(release, 'bin/kpipe.js')
export const isRelease = release !== undefined
export const edition = release === undefined ? 'the sources of a clone' : 'a release: one bundled folder'

/** The command on the Node of the clone, as a user has it. */
export function kpipe(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  return runChild(command, args, environment(env))
}

/** Peak resident memory in bytes of the same command. */
export function kpipePeak(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  return peakOfChild(command, args, environment(env))
}

function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...loopbackEnv(), PATH: `${nodeFolder}${delimiter}${process.env['PATH']}`, ...env }
}
