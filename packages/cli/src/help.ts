import type { Interfaces } from '@oclif/core'
import { named } from './command.ts'
import type { Command } from './command.ts'
import { commandTable } from './command-table.ts'

/** What `kpipe` alone says. */
export function overview(): string {
  const width = Math.max(...Object.keys(commandTable).map((name) => name.length))
  const rows = Object.entries(commandTable).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  return [
    'kpipe: deduplicating, sealed backups of etcd',
    '',
    'USAGE',
    '  $ kpipe COMMAND',
    '',
    'COMMANDS',
    ...rows,
    '',
    '`kpipe help COMMAND` shows the flags of one, `kpipe --version` the version.',
    '',
  ].join('\n')
}

/** The help of one command, drawn by oclif. */
export async function commandHelp(name: string, command: Command): Promise<string> {
  const { CommandHelp } = await import('@oclif/core/help')
  const { summary, description, flags, args } = command
  const examples = command.examples.map((example) => `$ ${example}`)
  const config = { bin: 'kpipe', topicSeparator: ' ', platform: process.platform } as unknown as Interfaces.Config
  const loadable = {
    id: name,
    summary,
    description,
    examples,
    flags: named(flags),
    args: named(args),
    aliases: [],
    hiddenAliases: [],
    hidden: false,
    strict: true,
  } as unknown as ConstructorParameters<typeof CommandHelp>[0]
  const help = new CommandHelp(loadable, config, {
    maxWidth: Math.min(process.stdout.columns ?? 100, 120),
    flagSortOrder: 'none',
    hideCommandSummaryInDescription: true,
  })
  return `${summary}\n\n${help.generate()}\n`
}
