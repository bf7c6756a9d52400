import { resolve } from 'node:path'
import type { PipelineKey } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import { parsePassword, parseRecoveryPhrase, readKeyFile, readPasswordFile, readPhraseFile } from '@kpipe/repository'
import type { Secret } from '@kpipe/repository'
import type { Terminal } from '../terminal.ts'
import { askHidden } from './ask-hidden.ts'
import type { Environment } from './pipeline-file.ts'

export interface SecretPlaces {
  /** `--key-file` */
  readonly keyFile: string | undefined
  /** `--recovery-phrase-file` */
  readonly phraseFile: string | undefined
  /** `--password-file` */
  readonly passwordFile: string | undefined
  /** `key` of the pipeline file */
  readonly pipelineKey: PipelineKey | undefined
  readonly env: Environment
}

/** A place where a secret may stand, and how it is had from there. */
interface Place {
  readonly value: string | undefined
  readonly told: string
  read(value: string): Secret | Promise<Secret>
}

/**
 * What opens the repository: flag, then environment, then pipeline file, then a question on the terminal.
 * @throws KpipeError KPIPE_KEY_MISSING, KPIPE_KEY_UNREADABLE, KPIPE_KEY_MALFORMED; KPIPE_USAGE when two flags contradict
 */
export async function findSecret(
  { keyFile, phraseFile, passwordFile, pipelineKey, env }: SecretPlaces,
  terminal: Terminal,
): Promise<Secret> {
  const flags = Object.entries({ '--key-file': keyFile, '--recovery-phrase-file': phraseFile, '--password-file': passwordFile })
  const given = flags.filter(([, value]) => value !== undefined).map(([name]) => name)
  if (given.length > 1) throw new KpipeError('KPIPE_USAGE', `${given.join(' and ')} were both given, and one of them is enough`)
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path))
  const places: readonly Place[] = [
    { value: absolute(keyFile), told: 'key: {}, from --key-file', read: readKeyFile },
    { value: absolute(phraseFile), told: 'recovery phrase: {}, from --recovery-phrase-file', read: readPhraseFile },
    { value: absolute(passwordFile), told: 'password: {}, from --password-file', read: readPasswordFile },
    { value: absolute(env['KPIPE_KEY_FILE'] || undefined), told: 'key: {}, from KPIPE_KEY_FILE', read: readKeyFile },
    { value: env['KPIPE_RECOVERY_PHRASE'], told: 'recovery phrase: from KPIPE_RECOVERY_PHRASE', read: parseRecoveryPhrase },
    { value: env['KPIPE_PASSWORD'], told: 'password: from KPIPE_PASSWORD', read: parsePassword },
    { value: pipelineKey?.file, told: 'key: {}, from the pipeline file', read: readKeyFile },
    { value: pipelineKey?.passwordFile, told: 'password: {}, from the pipeline file', read: readPasswordFile },
    { value: pipelineKey?.password, told: 'password: from the pipeline file', read: parsePassword },
  ]
  for (const { value, told, read } of places) {
    if (!value) continue
    terminal.explain(told.replace('{}', () => value))
    return read(value)
  }
  if (terminal.canAsk) return typedSecret(await askHidden('Recovery phrase or password: '))
  throw new KpipeError(
    'KPIPE_KEY_MISSING',
    'neither a key file nor a recovery phrase or password was given, and there is no terminal to ask at',
  )
}

/** What was typed. A phrase with a slip in it is to be told as that, not taken for a password. */
export function typedSecret(text: string): Secret {
  const isPhrase = /^[0-9a-z]{52,60}$/i.test(text.replaceAll(/[\s-]/g, ''))
  return isPhrase ? parseRecoveryPhrase(text) : parsePassword(text)
}
