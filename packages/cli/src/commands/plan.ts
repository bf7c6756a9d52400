import { string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import type { Repository } from '@kpipe/repository'
import { command } from '../command.ts'
import { outputFlags, repositoryFlags } from '../flags.ts'
import { makePlan } from '../plan/make-plan.ts'
import { planLine, planText } from '../plan/plan-text.ts'
import { fileOf } from '../where/file-argument.ts'
import { locate } from '../where/open.ts'

export const plan = command({
  summary: 'Show what a run would do, and whether it could.',
  description:
    'Opens the source without reading it, creates, reads, lists and removes a small object in the store, and opens the repository. Stores nothing and runs no hooks. When a run could not, the exit code is the one that it would end with.',
  examples: ['kpipe plan backup.yaml', 'kpipe plan -c /etc/kpipe/backup.yaml --json'],
  args: { file: word({ ignoreStdin: true, description: 'pipeline file' }) },
  flags: {
    config: repositoryFlags.config,
    'key-file': repositoryFlags['key-file'],
    'recovery-phrase-file': repositoryFlags['recovery-phrase-file'],
    'password-file': repositoryFlags['password-file'],
    'expect-head': repositoryFlags['expect-head'],
    stage: repositoryFlags.stage,
    name: string({ helpValue: 'NAME', description: 'name of the snapshot, as kpipe run takes it' }),
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    const where = await locate({ ...flags, config: fileOf(args.file, flags.config) })
    const { pipeline } = where
    if (pipeline === undefined) throw new KpipeError('KPIPE_PIPELINE_MISSING', 'a plan needs a pipeline file')
    const made = await makePlan({ where: { ...where, pipeline }, flags, terminal, signal })
    if (terminal.json) terminal.line(planLine(made))
    else if (terminal.verbosity >= 0) terminal.write(planText(made))
    for (const sentence of made.attached.attention) terminal.warn(sentence)
    // In the order in which a run would meet them.
    for (const part of [made.repository, made.store, made.source]) if (part.found === undefined) throw part.failure
    if (made.repository.found !== undefined) refuseHistory(made.repository.found)
    return 0
  },
})

/** A history that no run would add to. */
function refuseHistory({ rollback, lost, location }: Repository): void {
  if (rollback !== undefined) {
    const { remembered, seen } = rollback
    throw new KpipeError(
      'KPIPE_ROLLBACK',
      `the history in ${location} is older than remembered: it reached ${remembered} and now ends at ${seen}`,
    )
  }
  if (lost.length > 0) throw new KpipeError('KPIPE_DAMAGED', lost[0])
}
