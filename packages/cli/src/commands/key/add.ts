import { command } from '../../command.ts'
import { outputFlags, repositoryFlags } from '../../flags.ts'
import { kindNames, slotRow } from '../../keys/key-table.ts'
import { demandOne, newSecret, newSecretFlags } from '../../keys/new-secret.ts'
import { locate, openLocated } from '../../where/open.ts'

export const add = command({
  summary: 'Let another key file, recovery phrase or password open the repository.',
  description:
    'What is added opens everything, older snapshots too. The flags without `new` say what opens the repository now. A password never stands on the command line.',
  examples: [
    'kpipe key add --new-password',
    'kpipe key add --new-key-file /media/usb/second.key',
    'kpipe key add --store /mnt/kpipe --recovery-phrase-file phrase.txt --new-key-file repository.key',
  ],
  args: {},
  flags: { ...newSecretFlags, ...repositoryFlags, ...outputFlags },
  async run({ flags, terminal, signal }) {
    demandOne(flags, terminal, process.env)
    const repository = await openLocated(await locate(flags), flags, { terminal, signal })
    repository.keys.demandWritable()
    const secret = await newSecret(flags, terminal, process.env)
    const slot = await repository.keys.add(secret)
    if (terminal.json) terminal.line({ message_type: 'summary', added: slotRow(slot), head: repository.head })
    else if (terminal.verbosity >= 0) terminal.write(`added key slot ${slot.id}, a ${kindNames[slot.kind]}\n  head    ${repository.head}\n`)
    terminal.say(`It opens every backup in ${repository.location}: keep it as you keep the other keys.`)
    return 0
  },
})
