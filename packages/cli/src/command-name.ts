import { KpipeError } from '@kpipe/engine/contracts'
import { commandTable } from './command-table.ts'
import { withHint } from './failure.ts'
import { nearestName } from './nearest-name.ts'

/** The command that a line begins with, of one word or two such as `config show`, and what follows it. */
export async function commandNamed(words: readonly string[]): Promise<{ readonly name: string; readonly rest: readonly string[] }> {
  for (const count of [2, 1]) {
    const name = words.slice(0, count).join(' ')
    if (Object.hasOwn(commandTable, name)) return { name, rest: words.slice(count) }
  }
  throw await unknownCommand(words)
}

async function unknownCommand([first = '', second]: readonly string[]): Promise<KpipeError> {
  const names = Object.keys(commandTable)
  const topic = names.filter((name) => name.startsWith(`${first} `))
  const isTopic = topic.length > 0 && (second === undefined || second.startsWith('-'))
  const given = topic.length > 0 && second !== undefined ? `${first} ${second}` : first
  const meant = topic.length === 1 ? topic[0] : await nearestName(given, names)
  const hint = `${meant === undefined ? '' : `Did you mean \`kpipe ${meant}\`? `}See \`kpipe help\`.`
  const what = first.startsWith('-')
    ? `a command comes first, not ${first}`
    : isTopic
      ? `${first} is only the beginning of ${topic.join(', ')}`
      : `there is no command ${given}`
  return withHint(new KpipeError('KPIPE_USAGE', what), hint)
}
