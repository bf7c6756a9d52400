import { boolean, string } from '@oclif/core/flags'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags } from '../flags.ts'
import { pruneFlags, pruneOptionsOf } from '../prune/prune-flags.ts'
import { runPrune } from '../prune/run-prune.ts'
import { tellPrune } from '../prune/tell-prune.ts'
import { locate, openLocated } from '../where/open.ts'
import { tellRollback } from '../where/rollback.ts'

export const prune = command({
  summary: 'Give back the space of what no snapshot uses.',
  description:
    'Shows what it would do; acts with --apply only. Runs beside any number of backups, on this host and others. Packs that no snapshot uses are marked, and removed by a prune an hour later; packs of which little is of use are written anew, and so are those that make a restore of a newest snapshot decode twice its bytes. What it may not remove yet stays, and the next prune goes on, also after this one was killed. Backups of this host that died are ended at once, those of others after a day or with --end-writer.',
  examples: [
    'kpipe prune',
    'kpipe prune --apply',
    'kpipe prune --apply --max-unused 0 --max-time 10m',
    'kpipe prune --apply --sweep-delay 0s',
  ],
  args: {},
  flags: {
    apply: boolean({ description: 'do it' }),
    ...pruneFlags,
    'end-writer': string({
      helpValue: 'ID',
      multiple: true,
      multipleNonGreedy: true,
      description: 'end an unfinished backup that will not come back; if it does, it fails; may be given more than once',
    }),
    reseal: boolean({ description: 'seal anew what was sealed before the last `kpipe key rotate`' }),
    ...repositoryFlags,
    ...outputFlags,
  },
  async run({ flags, terminal, signal }) {
    const [apply, reseal] = [flags.apply === true, flags.reseal === true]
    const options = { ...pruneOptionsOf(flags), apply, reseal, endWriters: flags['end-writer'] }
    const where = await locate(flags)
    const repository = await openLocated(where, flags, { terminal, signal })
    const report = await runPrune({ repository, where, options, terminal, signal })
    return Math.max(tellPrune(report, repository, terminal), tellRollback(repository, terminal))
  },
})
