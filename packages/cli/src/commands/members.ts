import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags, writeOutFlag } from '../flags.ts'
import { memberRow, memberTable } from '../output/member-table.ts'
import { fileOf } from '../where/file-argument.ts'
import { explainFilled, locate } from '../where/open.ts'

export const members = command({
  summary: 'List the members of the cluster, with their state.',
  description:
    'Asks every endpoint of the pipeline file for its state and for the members of the cluster. Opens no repository. When no member has a leader, the exit code is 3.',
  examples: ['kpipe members', 'kpipe members -c /etc/kpipe/backup.yaml --json'],
  args: { file: word({ ignoreStdin: true, description: 'pipeline file' }) },
  flags: {
    'write-out': writeOutFlag(['table', 'json', 'yaml']),
    config: repositoryFlags.config,
    stage: repositoryFlags.stage,
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    const where = await locate({ ...flags, config: fileOf(args.file, flags.config) })
    if (where.pipeline === undefined) throw new KpipeError('KPIPE_PIPELINE_MISSING', 'members are those of the source of a pipeline file')
    explainFilled(where, terminal)
    const { stage, settings, package: name } = where.pipeline.source
    if (stage.members === undefined) throw new KpipeError('KPIPE_USAGE', `the source ${name} has no members`)
    const found = await stage.members(settings as never, { signal, warn: (message) => terminal.warn(message) })
    const format = terminal.json ? 'json' : (flags['write-out'] ?? 'table')
    const shown = { quorum: found.quorum, members: found.members.map(memberRow) }
    if (format === 'json') terminal.write(`${JSON.stringify(shown, null, terminal.outputIsSeen ? 2 : 0)}\n`)
    else if (format === 'yaml') terminal.write((await import('yaml')).stringify(shown))
    else terminal.write(memberTable(found.members, terminal.outputIsSeen))
    if (found.quorum !== 'lost') return 0
    terminal.warn('quorum is lost: no member has a leader')
    return 3
  },
})
