import { string as word } from '@oclif/core/args'
import { command } from '../../command.ts'
import { outputFlags, repositoryFlags } from '../../flags.ts'
import { kindNames, slotRow } from '../../keys/key-table.ts'
import { locate, openLocated } from '../../where/open.ts'

export const remove = command({
  summary: 'Take a key off the list.',
  description:
    'It opens the repository no more. This revokes nothing: whoever has the key and copied the repository before can read what that copy holds, and what is written later, until `kpipe key rotate`. The last key cannot be removed.',
  examples: ['kpipe key remove 3f9a'],
  args: { slot: word({ required: true, ignoreStdin: true, description: 'id of the slot, or its first digits, as in `kpipe key list`' }) },
  flags: { ...repositoryFlags, ...outputFlags },
  async run({ flags, args, terminal, signal }) {
    const repository = await openLocated(await locate(flags), flags, { terminal, signal })
    const slot = repository.keys.find(args.slot)
    const left = await repository.keys.remove(slot.id)
    if (terminal.json) terminal.line({ message_type: 'summary', removed: slotRow(slot), objects_left: left, head: repository.head })
    else if (terminal.verbosity >= 0)
      terminal.write(`removed key slot ${slot.id}, a ${kindNames[slot.kind]}\n  head    ${repository.head}\n`)
    terminal.say('This revokes nothing yet: a copy of it still reads what is written, until `kpipe key rotate`.')
    if (slot.opened) terminal.warn('this was the key that opened the repository now: the next command needs another one')
    for (const name of left) terminal.warn(`${name} could not be removed from ${repository.location}; it opens nothing`)
    return left.length > 0 ? 3 : 0
  },
})
