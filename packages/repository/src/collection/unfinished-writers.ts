import { KpipeError } from '@kpipe/engine/contracts'
import type { LogState } from '../log/state.ts'
import { isAlive, runningSystem } from '../running-system.ts'
import type { EndedWriter, UnfinishedWriter } from './prune-report.ts'

/**
 * Those writers that nobody has to wait for: dead processes of this system, writers older than `openTtlMs`, and those that are named.
 * One that lives after all fails when it commits: that costs a backup, never data.
 * @param named prefixes of ids
 * @throws KpipeError KPIPE_USAGE when a prefix does not name one open writer
 */
export function writersToEnd({ writers }: LogState, openTtlMs: number, named: readonly string[], location: string): EndedWriter[] {
  const chosen = new Set(named.map((prefix) => findWriter([...writers.keys()], prefix, location)))
  const here = runningSystem()
  return [...writers].flatMap(([id, { host, boot, pid, time }]) => {
    const ended = (reason: string): EndedWriter[] => [{ id, host, pid, since: new Date(time), reason }]
    if (chosen.has(id)) return ended('it was named')
    if (boot !== '' && boot === here && !isAlive(pid)) return ended(`its process ${pid} is gone`)
    if (Date.now() - time >= openTtlMs) return ended(`it began more than ${Math.floor(openTtlMs / 3_600_000)} h ago`)
    return []
  })
}

/** @param but id of one that is left out */
export function unfinishedWriters({ writers }: LogState, but: string): UnfinishedWriter[] {
  return [...writers].filter(([id]) => id !== but).map(([id, { host, pid, time }]) => ({ id, host, pid, since: new Date(time) }))
}

function findWriter(ids: readonly string[], prefix: string, location: string): string {
  const found = ids.filter((id) => prefix.length >= 4 && id.startsWith(prefix.toLowerCase()))
  if (found.length === 1) return found[0]
  const seen = found.length === 0 ? 'there is no unfinished writer' : `${found.length} unfinished writers begin with`
  throw new KpipeError('KPIPE_USAGE', `${seen} ${prefix} in the repository at ${location}`, { writer: prefix })
}
