import { kpipe as runKpipe } from '../measure/kpipe.ts'
import { borg } from './borg.ts'
import { getProgram, type ProgramName } from './get-program.ts'
import { kpipe } from './kpipe.ts'
import { restic } from './restic.ts'
import { rustic } from './rustic.ts'
import type { Tool } from './tool.ts'

export interface Tools {
  /** kpipe first. */
  readonly tools: readonly Tool[]
  /** Why others are not there, a sentence each. */
  readonly missing: readonly string[]
}

const peers = { restic, rustic, borg }

/** `restic,borg` in KPIPE_BENCH_PEERS leaves the others out. */
const chosen = (process.env['KPIPE_BENCH_PEERS'] ?? 'restic,rustic,borg').split(',').filter((name) => name in peers) as ProgramName[]

/** kpipe and those of its peers that this machine has or can get. */
export async function getTools(wanted: readonly ProgramName[] = chosen): Promise<Tools> {
  const version = /kpipe (\S+)/.exec((await runKpipe(['--version'])).stdout)?.[1] ?? 'unknown'
  const tools: Tool[] = [kpipe(version)]
  const missing: string[] = []
  for (const name of wanted) {
    try {
      tools.push(peers[name](await getProgram(name, console.error)))
    } catch (error) {
      missing.push((error as Error).message)
    }
  }
  return { tools, missing }
}
