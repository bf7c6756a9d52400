import { string } from '@oclif/core/flags'
import type { Snapshot } from '@kpipe/repository'
import { KpipeError } from '@kpipe/engine/contracts'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags, snapshotFlags, writeOutFlag } from '../flags.ts'
import { durationText, parseDuration } from '../output/time-text.ts'
import { snapshotRow, snapshotTable } from '../output/snapshot-table.ts'
import type { Terminal } from '../terminal.ts'
import { locate, openLocated } from '../where/open.ts'
import { tellRollback } from '../where/rollback.ts'

export const snapshots = command({
  summary: 'List the snapshots of a repository.',
  description:
    'Oldest first. With --max-age it is a check for monitoring: exit code 1 when the newest snapshot is older, or there is none. Disputed ones, on which members of etcd disagree, do not count.',
  examples: ['kpipe snapshots', 'kpipe snapshots --max-age 2h -q', 'kpipe snapshots --store /mnt/kpipe --key-file repository.key --json'],
  args: {},
  flags: {
    'max-age': string({ helpValue: 'AGE', description: 'such as 90m, 2h, 1d: exit 1 when the newest is older' }),
    ...snapshotFlags,
    'write-out': writeOutFlag(['table', 'json', 'yaml']),
    ...repositoryFlags,
    ...outputFlags,
  },
  async run({ flags, terminal, signal }) {
    const maxAge = flags['max-age'] === undefined ? undefined : ageSeconds(flags['max-age'])
    const repository = await openLocated(await locate(flags), flags, { terminal, signal })
    const found = repository.snapshots(flags.name === undefined ? {} : { name: flags.name })
    const format = terminal.json ? 'json' : (flags['write-out'] ?? 'table')
    if (format === 'json') terminal.write(`${JSON.stringify(found.map(snapshotRow), null, terminal.outputIsSeen ? 2 : 0)}\n`)
    else if (format === 'yaml') terminal.write((await import('yaml')).stringify(found.map(snapshotRow)))
    else if (terminal.verbosity >= 0) await writeTable(found, repository.location, terminal)
    const tooOld = maxAge !== undefined && tellAge(found, maxAge, terminal)
    return tellRollback(repository, terminal) || (tooOld ? 1 : 0)
  },
})

async function writeTable(found: readonly Snapshot[], location: string, terminal: Terminal): Promise<void> {
  if (found.length === 0) terminal.say(`no snapshots in ${location}`)
  else terminal.write(await snapshotTable(found, terminal.outputIsSeen))
}

function ageSeconds(text: string): number {
  const seconds = parseDuration(text)
  if (seconds === undefined) throw new KpipeError('KPIPE_USAGE', `--max-age ${text} is no duration such as 90m, 2h or 1d`, { text })
  return seconds
}

/** True, and said, when the newest snapshot, of those that nobody disputes, is older than `maxAge` seconds. */
function tellAge(snapshots: readonly Snapshot[], maxAge: number, terminal: Terminal): boolean {
  const newest = snapshots.findLast(({ doubt }) => doubt === undefined)
  const undisputed = newest === snapshots.at(-1) ? '' : 'undisputed '
  const age = newest === undefined ? Infinity : (Date.now() - newest.time.getTime()) / 1000
  if (age <= maxAge) return false
  terminal.warn(
    newest === undefined
      ? `there is no ${undisputed}snapshot`
      : `the newest ${undisputed}snapshot, ${newest.shortId}, is ${durationText(age)} old`,
  )
  return true
}
