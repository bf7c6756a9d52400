import type { Interfaces } from '@oclif/core'
import { boolean, string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import { parseReadShare, wholeShare } from '@kpipe/repository'
import type { ReadShare, Repository, Snapshot } from '@kpipe/repository'
import { healedSentences, sentences, summaryLine } from '../check/check-summary.ts'
import { damageError } from '../check/damage-error.ts'
import { damageText } from '../check/damage-text.ts'
import { examine } from '../check/examine.ts'
import { lostKeysRow, lostKeysText } from '../check/lost-keys-text.ts'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags, snapshotFlags } from '../flags.ts'
import { locate, openLocated } from '../where/open.ts'
import { tellRollback } from '../where/rollback.ts'

// The parser gives a list for an argument that may come several times; its types do not say so.
const someSnapshots = word({
  multiple: true,
  ignoreStdin: true,
  description: 'check the packs of these alone; see `kpipe help restore`',
}) as unknown as Interfaces.Arg<string[] | undefined>

export const check = command({
  summary: 'Check that a repository is as it was stored.',
  description:
    'Always: the log from its first entry, key slots and marker by digest, and that every pack which a snapshot needs is there with its size. With --read-data every byte of these packs is read and decoded, and every chunk compared with its tag. With --etcd each snapshot is read as its database, page by page, and compared with what was noted when it was made. Names what is damaged and the snapshots that need it, with --etcd also the keys that are lost, as far as other snapshots tell them, and exits 65. What is found is noted in the log, and lost pages that other snapshots have are found there from then on.',
  examples: [
    'kpipe check',
    'kpipe check --read-data-subset 1/7',
    'kpipe check --read-data --etcd --store /mnt/kpipe --key-file repository.key',
  ],
  args: { snapshot: someSnapshots },
  flags: {
    'read-data': boolean({ description: 'read and decode all packs' }),
    'read-data-subset': string({
      helpValue: '5%|1/7|500M',
      description: 'only so many, those first whose last check is oldest',
    }),
    etcd: boolean({ description: 'read the databases' }),
    ...snapshotFlags,
    ...repositoryFlags,
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    const share = shareOf(flags['read-data-subset'], flags['read-data'] === true)
    const where = await locate(flags)
    const repository = await openLocated(where, flags, { terminal, signal })
    const selected = select(repository, args.snapshot ?? [], flags.name)
    const etcd = flags.etcd === true
    const { report, databases, damages, lostKeys } = await examine({ repository, where, selected, share, etcd, terminal, signal })
    const seconds = performance.now() / 1000
    const all = repository.snapshots()
    if (terminal.json)
      terminal.line({ ...summaryLine(report, databases, damages, seconds, repository.head), lost_keys: lostKeys.map(lostKeysRow) })
    else terminal.write(damageText(damages, all) + lostKeys.map(lostKeysText).join(''))
    if (report.notRecorded !== undefined) terminal.warn(`what was found could not be recorded: ${report.notRecorded}`)
    if (damages.length > 0) {
      for (const text of healedSentences(report)) terminal.say(text)
      throw damageError(damages, all, repository.location)
    }
    for (const text of sentences(report, databases, seconds, repository.head)) terminal.say(text)
    // Unrecorded, the next check of a part reads the same packs again and never the others.
    const repeats = report.notRecorded !== undefined && flags['read-data-subset'] !== undefined
    return tellRollback(repository, terminal) || (repeats ? 3 : 0)
  },
})

function shareOf(text: string | undefined, all: boolean): ReadShare | undefined {
  if (text === undefined) return all ? wholeShare : undefined
  if (all) throw new KpipeError('KPIPE_USAGE', '--read-data and --read-data-subset were both given, and one of them is enough')
  const share = parseReadShare(text)
  if (share === undefined) throw new KpipeError('KPIPE_USAGE', `--read-data-subset ${text} is no share such as 5%, 1/7 or 500M`, { text })
  return share
}

/** Undefined for all of the repository. */
function select(repository: Repository, references: readonly string[], name: string | undefined): readonly Snapshot[] | undefined {
  const options = name === undefined ? {} : { name }
  if (references.length > 0) return references.map((reference) => repository.find(reference, options))
  return name === undefined ? undefined : repository.snapshots(options)
}
