import { boolean, string } from '@oclif/core/flags'
import { KpipeError } from '@kpipe/engine/contracts'
import type { RepairReport } from '@kpipe/repository'
import { command } from '../command.ts'
import { withHint } from '../failure.ts'
import { outputFlags, repositoryFlags } from '../flags.ts'
import { repairLine, repairText } from '../repair/repair-text.ts'
import { locate, openLocated } from '../where/open.ts'

export const repair = command({
  summary: 'Make a repository writable again whose log has lost entries, and heal snapshots.',
  description:
    'Shows what it would do; acts with --apply only. A log entry that is missing or damaged stops all writing: a repair says in the log that it has no effect, or, where a checkpoint knows what it said, puts that back. Where it may have added or removed keys, a new epoch of keys begins, as with `kpipe key rotate`, for the keys that are listed without it: look at them. Snapshots find again what they had lost and other packs hold. Nothing is removed or overwritten.',
  examples: ['kpipe repair', 'kpipe repair --apply', 'kpipe repair --apply --without-slot 3f9a'],
  args: {},
  flags: {
    apply: boolean({ description: 'do it' }),
    'without-slot': string({
      helpValue: 'ID',
      multiple: true,
      multipleNonGreedy: true,
      description: 'a key that shall not open the repository any more, where a lost entry may have removed it',
    }),
    ...repositoryFlags,
    ...outputFlags,
  },
  async run({ flags, terminal, signal }) {
    const repository = await openLocated(await locate(flags), flags, { terminal, signal })
    const apply = flags.apply === true
    const slots = repository.keys.list()
    const options = { apply, withoutSlots: flags['without-slot'] ?? [], signal }
    const report = await repository.repair(options).catch((error: unknown) => {
      throw explained(error, repository.head)
    })
    if (terminal.json) terminal.line(repairLine(report, apply, repository.head))
    else terminal.write(repairText(report, repository, slots, apply))
    terminal.say(sentence(report, apply, repository.head))
    if (!apply && repository.rollback !== undefined)
      terminal.warn(`--apply needs --expect-head ${repository.head}: this host has seen another history`)
    return report.damaged.length > 0 || (!apply && isNeeded(report)) ? 3 : 0
  },
})

function isNeeded({ entries, chunksHealed }: RepairReport): boolean {
  return entries.length > 0 || chunksHealed > 0
}

function sentence(report: RepairReport, applied: boolean, head: string): string {
  if (!isNeeded(report)) return `nothing to repair\n  head    ${head}`
  if (!applied) return 'nothing was changed: --apply does it'
  const { length } = report.entries
  const entries = length === 0 ? '' : `; backups go on after ${length === 1 ? 'one lost log entry' : `${length} lost log entries`}`
  return `repaired${entries}\n  head    ${head}`
}

function explained(error: unknown, head: string): unknown {
  if (!(error instanceof KpipeError)) return error
  if (error.code === 'KPIPE_ROLLBACK') {
    const hint = `When a disk fault and nobody else is why, and what is there is all that is left: \`kpipe repair --apply --expect-head ${head}\`.`
    return withHint(error, hint)
  }
  if (error.code === 'KPIPE_DAMAGED' && typeof error.details['checkpoint'] === 'string')
    return withHint(error, 'Run it on a host that has made or seen a later backup, or bring the entry back from a copy of the repository.')
  if (error.code === 'KPIPE_DAMAGED')
    return withHint(
      error,
      'Bring the entry back from a copy of the repository, or begin a new one: snapshots are still restored by their ids.',
    )
  return error
}
