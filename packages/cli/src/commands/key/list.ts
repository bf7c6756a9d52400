import { command } from '../../command.ts'
import { outputFlags, repositoryFlags, writeOutFlag } from '../../flags.ts'
import { slotRow, slotTable } from '../../keys/key-table.ts'
import { locate, openLocated } from '../../where/open.ts'
import { tellRollback } from '../../where/rollback.ts'

export const list = command({
  summary: 'List the keys that open the repository.',
  description: 'With the time from which each one opens it, the newest epoch whose keys it holds, and which one opened it now.',
  examples: ['kpipe key list', 'kpipe key list --store /mnt/kpipe --recovery-phrase-file phrase.txt --json'],
  args: {},
  flags: { 'write-out': writeOutFlag(['table', 'json', 'yaml']), ...repositoryFlags, ...outputFlags },
  async run({ flags, terminal, signal }) {
    const repository = await openLocated(await locate(flags), flags, { terminal, signal })
    const slots = repository.keys.list()
    const format = terminal.json ? 'json' : (flags['write-out'] ?? 'table')
    if (format === 'json') terminal.write(`${JSON.stringify(slots.map(slotRow), null, terminal.outputIsSeen ? 2 : 0)}\n`)
    else if (format === 'yaml') terminal.write((await import('yaml')).stringify(slots.map(slotRow)))
    else if (terminal.verbosity >= 0) terminal.write(await slotTable(slots, terminal.outputIsSeen))
    if (terminal.verbosity >= 1)
      for (const name of await repository.keys.unused())
        terminal.explain(`${name} is not listed and opens nothing: a change of keys did not end`)
    return tellRollback(repository, terminal)
  },
})
