import { string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import { runBackup } from '../backup/run-backup.ts'
import { summaryLine, summaryText } from '../backup/summary.ts'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags } from '../flags.ts'
import { openProgress } from '../progress/progress.ts'
import { fileOf } from '../where/file-argument.ts'
import { threads } from '../threads.ts'
import { locate, openLocated } from '../where/open.ts'

export const run = command({
  summary: 'Make one backup.',
  description:
    'Reads one snapshot from the source of the pipeline file, stores what the repository does not have, verifies it on the way, and publishes it at the end. A backup that fails or is stopped leaves nothing that anybody could take for a snapshot.',
  examples: ['kpipe run backup.yaml', 'kpipe run backup.yaml --tag pre-upgrade-1.31', 'kpipe run -c /etc/kpipe/backup.yaml --json'],
  args: { file: word({ ignoreStdin: true, description: 'pipeline file' }) },
  flags: {
    config: repositoryFlags.config,
    'key-file': repositoryFlags['key-file'],
    'recovery-phrase-file': repositoryFlags['recovery-phrase-file'],
    'expect-head': repositoryFlags['expect-head'],
    stage: repositoryFlags.stage,
    name: string({ helpValue: 'NAME', description: 'name of the snapshot, instead of the pipeline file’s' }),
    tag: string({
      helpValue: 'TAG',
      multiple: true,
      multipleNonGreedy: true,
      description: 'tag of the snapshot; may be given more than once',
    }),
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    const workers = await threads()
    const where = await locate({ ...flags, config: fileOf(args.file, flags.config) })
    if (where.pipeline === undefined) throw new KpipeError('KPIPE_PIPELINE_MISSING', 'a backup needs a pipeline file')
    const repository = await openLocated(where, flags, { terminal, signal })
    const progress = await openProgress(terminal, 'reading')
    const outcome = await runBackup({
      pipeline: where.pipeline,
      repository,
      workers,
      signal,
      name: flags.name,
      tags: flags.tag ?? [],
      warn: (message) => terminal.warn(message),
      onProgress: (bytes, totalBytes) => progress.update(bytes, totalBytes),
    }).finally(() => progress.stop())
    // Counted from the start of the process, as the user waits.
    const seconds = performance.now() / 1000
    if (terminal.json) terminal.line(summaryLine(outcome, seconds))
    else if (terminal.verbosity >= 0) terminal.write(summaryText(outcome, seconds))
    for (const sentence of outcome.attention) terminal.warn(sentence)
    return outcome.attention.length > 0 ? 3 : 0
  },
})
