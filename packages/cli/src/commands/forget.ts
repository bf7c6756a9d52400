import type { Interfaces } from '@oclif/core'
import { boolean } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import { misgivings } from '@kpipe/repository'
import type { Choice, Snapshot } from '@kpipe/repository'
import { command } from '../command.ts'
import { withHint } from '../failure.ts'
import { outputFlags, repositoryFlags, snapshotFlags, writeOutFlag } from '../flags.ts'
import { runPrune } from '../prune/run-prune.ts'
import { tellPrune } from '../prune/tell-prune.ts'
import { choiceRow, choiceTable } from '../retention/choice-table.ts'
import { chooseSnapshots } from '../retention/choose-snapshots.ts'
import { splitReferences } from '../retention/split-references.ts'
import { keepFlags, policyOf } from '../retention/keep-flags.ts'
import type { Terminal } from '../terminal.ts'
import { locate, openLocated } from '../where/open.ts'
import { tellRollback } from '../where/rollback.ts'

// The parser gives a list for an argument that may come several times; its types do not say so.
const someSnapshots = word({
  multiple: true,
  ignoreStdin: true,
  description: 'those to forget, instead of rules; see `kpipe help restore`',
}) as unknown as Interfaces.Arg<string[] | undefined>

export const forget = command({
  summary: 'Take snapshots out of the repository by rules or by id.',
  description:
    'Shows what would stay and why, and what would go; acts with --apply only. Rules are those of restic, name by name, hours and days in UTC unless --timezone says otherwise: each keeps on its own, of an hour (day, week …) the newest snapshot. The newest snapshot of a name always stays. Refused without --force: when more than half of a name would go, and when its newest snapshot has less than half the size of the one before. Space comes back with `kpipe prune`, or at once with --prune.',
  examples: [
    'kpipe forget --keep-hourly 24 --keep-daily 7',
    'kpipe forget --keep-within 30d --keep-tag release --apply',
    'kpipe forget 1f0c --apply',
  ],
  args: { snapshot: someSnapshots },
  flags: {
    ...keepFlags,
    apply: boolean({ description: 'do it' }),
    force: boolean({ description: 'do it although it is refused otherwise' }),
    prune: boolean({ description: 'give back their space, as `kpipe prune` does' }),
    ...snapshotFlags,
    'write-out': writeOutFlag(['table', 'json', 'yaml']),
    ...repositoryFlags,
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    const policy = policyOf(flags)
    const where = await locate(flags)
    const repository = await openLocated(where, flags, { terminal, signal })
    const { readable, unreadable } = splitReferences(repository, args.snapshot ?? [])
    const choices = unreadable.length > 0 && readable.length === 0 ? [] : chooseSnapshots(repository, readable, policy, flags.name)
    const going = [...choices.filter(({ reasons }) => reasons.length === 0).map(({ snapshot }) => snapshot.id), ...unreadable]
    const doubts = misgivings(choices)
    const refused = flags.force ? undefined : doubts[0]
    if (flags.apply && refused !== undefined) throw tooMuch(refused)
    if (flags.apply && going.length > 0) await repository.forget(going)
    const format = terminal.json ? 'json' : (flags['write-out'] ?? 'table')
    const kept = choices.length + unreadable.length - going.length
    const summary = {
      message_type: 'summary',
      applied: flags.apply === true,
      kept,
      forgotten: going.length,
      refused: refused ?? null,
      head: repository.head,
    }
    await show(choices, summary, format, terminal)
    for (const id of unreadable)
      terminal.say(`${id.slice(0, 12)}, whose manifest cannot be read, ${flags.apply ? 'is' : 'would be'} forgotten`)
    terminal.say(`${sentence(kept, going.length, flags.apply === true, flags.prune === true)}\n  head    ${repository.head}`)
    if (!flags.apply && refused !== undefined) terminal.warn(`${refused}: --apply needs --force for that`)
    const code = tellRollback(repository, terminal)
    if (!flags.prune || !flags.apply) return code
    const report = await runPrune({ repository, where, options: { apply: true }, terminal, signal })
    return Math.max(code, tellPrune(report, repository, terminal))
  },
})

async function show(choices: readonly Choice<Snapshot>[], summary: object, format: string, terminal: Terminal): Promise<void> {
  if (format === 'table') {
    if (terminal.verbosity >= 0 && choices.length > 0) terminal.write(await choiceTable(choices, terminal.outputIsSeen))
    return
  }
  const whole = { ...summary, snapshots: choices.map(choiceRow) }
  if (format === 'yaml') terminal.write((await import('yaml')).stringify(whole))
  else terminal.write(`${JSON.stringify(whole)}\n`)
}

function sentence(kept: number, forgotten: number, applied: boolean, prunes: boolean): string {
  if (forgotten === 0) return `nothing to forget: all ${kept} snapshots stay`
  if (!applied) return `${kept} snapshots would stay and ${forgotten} would be forgotten: --apply does it`
  const stay = `${kept} snapshots stay, ${forgotten} are forgotten`
  return prunes ? stay : `${stay}; their space comes back with \`kpipe prune\``
}

function tooMuch(doubt: string): KpipeError {
  return withHint(
    new KpipeError('KPIPE_USAGE', `nothing was forgotten: ${doubt}`),
    'Look at it without --apply; --force does it all the same.',
  )
}
