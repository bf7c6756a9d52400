import { string as word } from '@oclif/core/args'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags, snapshotFlags, writeOutFlag } from '../flags.ts'
import { statusFormats, statusText } from '../output/status-text.ts'
import { readStatus } from '../restore/read-status.ts'
import { threads } from '../threads.ts'
import { locate, openLocated } from '../where/open.ts'
import { tellRollback } from '../where/rollback.ts'

export const status = command({
  summary: 'Show what `etcdutl snapshot status` shows, from the stored bytes.',
  description:
    'Reads the whole snapshot, computes hash, revision, keys and size anew, and compares them with what was noted when it was made. Numbers and formats are those of etcdutl 3.6.',
  examples: ['kpipe status latest', 'kpipe status latest -w json'],
  args: { snapshot: word({ required: true, ignoreStdin: true, description: 'which snapshot; see `kpipe help restore`' }) },
  flags: { ...snapshotFlags, 'write-out': writeOutFlag(statusFormats), ...repositoryFlags, ...outputFlags },
  async run({ flags, args, terminal, signal }) {
    const workers = await threads()
    const where = await locate(flags)
    const repository = await openLocated(where, flags, { terminal, signal })
    const snapshot = repository.find(args.snapshot, flags.name === undefined ? {} : { name: flags.name })
    const { stages, pipeline, overrides } = where
    const found = await readStatus({ repository, snapshot, stages, pipeline, overrides, workers, signal })
    const format = terminal.json ? 'json' : (flags['write-out'] ?? (terminal.outputIsSeen ? 'table' : 'simple'))
    terminal.write(await statusText(found, format))
    return tellRollback(repository, terminal)
  },
})
