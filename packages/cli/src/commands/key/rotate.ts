import { KpipeError } from '@kpipe/engine/contracts'
import { boolean } from '@oclif/core/flags'
import { command } from '../../command.ts'
import { withHint } from '../../failure.ts'
import { outputFlags, repositoryFlags } from '../../flags.ts'
import { runPrune } from '../../prune/run-prune.ts'
import { tellPrune } from '../../prune/tell-prune.ts'
import { locate, openLocated } from '../../where/open.ts'

export const rotate = command({
  summary: 'Write under new keys from now on.',
  description:
    'Begins an epoch with new random keys, for every slot on the list: one of them is enough to do it. What is stored stays as it is, and readable; a removed key reads nothing of what is written from now on. A backup that runs meanwhile fails, with nothing published, and the next one works. With --reseal packs are written anew under the new keys, which a prune with --reseal goes on with if it is interrupted; the log keeps what it says under the old ones.',
  examples: ['kpipe key rotate', 'kpipe key rotate --reseal', 'kpipe key remove 3f9a && kpipe key rotate'],
  args: {},
  flags: {
    reseal: boolean({ description: 'also seal anew what is stored, as `kpipe prune --reseal --apply` does' }),
    ...repositoryFlags,
    ...outputFlags,
  },
  async run({ flags, terminal, signal }) {
    const where = await locate(flags)
    const repository = await openLocated(where, flags, { terminal, signal })
    await repository.keys.rotate().catch((error: unknown) => {
      throw slotDamaged(error)
    })
    const { epoch } = repository.keys
    const slots = repository.keys.list().length
    if (terminal.json) terminal.line({ message_type: 'summary', epoch, slots, head: repository.head })
    else if (terminal.verbosity >= 0)
      terminal.write(`epoch ${epoch} began, for ${slots} key ${slots === 1 ? 'slot' : 'slots'}\n  head    ${repository.head}\n`)
    terminal.say('What was stored before stays readable for who had a key of it, removed ones included.')
    if (!flags.reseal) return 0
    const report = await runPrune({ repository, where, options: { apply: true, reseal: true }, terminal, signal })
    return tellPrune(report, repository, terminal)
  },
})

/** Nothing can be sealed to a slot whose objects are all gone: whoever has its secret could not open the repository either. */
function slotDamaged(error: unknown): unknown {
  const slot = error instanceof KpipeError && error.code === 'KPIPE_DAMAGED' ? error.details['slot'] : undefined
  if (typeof slot !== 'string') return error
  const hint = `Bring keys/${slot} back from a copy of the repository, or take it off the list with \`kpipe key remove ${slot}\`.`
  return withHint(error as KpipeError, hint)
}
