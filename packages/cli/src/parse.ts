import { stripVTControlCharacters } from 'node:util'
import { KpipeError } from '@kpipe/engine/contracts'
import { parse } from '@oclif/core/parser'
import { named } from './command.ts'
import type { Command, Values } from './command.ts'
import { withHint } from './failure.ts'
import { nearestName } from './nearest-name.ts'

export interface Arguments {
  readonly flags: Values
  readonly args: Values
  /** How many times `-v` was given. */
  readonly verbose: number
}

/**
 * The flags and arguments of a command line.
 * @throws KpipeError KPIPE_USAGE naming the word that is wrong, with the nearest flag as hint
 */
export async function parseArguments(name: string, command: Command, words: readonly string[]): Promise<Arguments> {
  try {
    const { flags, args, raw } = await parse([...words], { flags: named(command.flags), args: named(command.args), strict: true })
    return { flags, args, verbose: raw.filter((token) => token.type === 'flag' && token.flag === 'verbose').length }
  } catch (error) {
    throw await usageError(name, command, error)
  }
}

async function usageError(name: string, command: Command, error: unknown): Promise<KpipeError> {
  const see = `See \`kpipe help ${name}\`.`
  const flag = unknownFlag(error)
  if (flag === undefined) return withHint(new KpipeError('KPIPE_USAGE', `${name}: ${sentence(error)}`), see)
  const next = refused[flag] ?? (await didYouMean(flag, Object.keys(command.flags)))
  return withHint(new KpipeError('KPIPE_USAGE', `${name} has no flag ${flag}`, { flag }), next === undefined ? see : `${next} ${see}`)
}

/** Secrets never stand in argv, where every process of the host can read them. */
const refused: Readonly<Record<string, string>> = {
  '--password':
    'A password does not belong on a command line: name a file or a variable of the environment in the pipeline file, or use --password-file where there is one.',
  '--recovery-phrase': 'A phrase does not belong on a command line: use --recovery-phrase-file or KPIPE_RECOVERY_PHRASE.',
}

async function didYouMean(flag: string, names: readonly string[]): Promise<string | undefined> {
  const meant = await nearestName(flag.replace(/^-+/, ''), names)
  return meant === undefined ? undefined : `Did you mean --${meant}?`
}

function unknownFlag(error: unknown): string | undefined {
  if (!(error instanceof Error && 'flags' in error && Array.isArray(error.flags))) return undefined
  return String(error.flags[0]).split('=', 1)[0]
}

/** What the parser says, in one line, without colours and its own pointer to the help. */
function sentence(error: unknown): string {
  return stripVTControlCharacters(error instanceof Error ? error.message : String(error))
    .replace(/\nSee more help with --help$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())
    .trim()
}
