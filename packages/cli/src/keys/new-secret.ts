import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { boolean, string } from '@oclif/core/flags'
import { KpipeError } from '@kpipe/engine/contracts'
import {
  createKeyFile,
  newRecoveryPhrase,
  parsePassword,
  parseRecoveryPhrase,
  readKeyFile,
  readPasswordFile,
  readPhraseFile,
} from '@kpipe/repository'
import type { Secret } from '@kpipe/repository'
import { withHint } from '../failure.ts'
import { createPhraseFile } from '../init/phrase-file.ts'
import { paint } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'
import { askHidden } from '../where/ask-hidden.ts'
import type { Environment } from '../where/pipeline-file.ts'

/** Flags without `new` say what opens the repository, here as everywhere. */
export const newSecretFlags = {
  'new-key-file': string({ helpValue: 'FILE', description: 'add this key file; it is made when it is not there' }),
  'new-recovery-phrase': boolean({ description: 'add a recovery phrase and show it on the terminal' }),
  'new-recovery-phrase-file': string({
    helpValue: 'FILE',
    description: 'add the recovery phrase in this file; it is made when it is not there',
  }),
  'new-password': boolean({ description: 'add a password, asked for on the terminal or from KPIPE_NEW_PASSWORD' }),
  'new-password-file': string({ helpValue: 'FILE', description: 'add the password in this file' }),
}

export interface NewSecretFlags {
  readonly 'new-key-file'?: string | undefined
  readonly 'new-recovery-phrase'?: boolean | undefined
  readonly 'new-recovery-phrase-file'?: string | undefined
  readonly 'new-password'?: boolean | undefined
  readonly 'new-password-file'?: string | undefined
}

/** What is to be made or read, asked before the repository is opened. @throws KpipeError KPIPE_USAGE unless one flag says it */
export function demandOne(flags: NewSecretFlags, terminal: Terminal, env: Environment): void {
  const given = Object.keys(newSecretFlags).filter((name) => flags[name as keyof NewSecretFlags])
  const names = Object.keys(newSecretFlags).map((name) => `--${name}`)
  if (given.length !== 1) {
    const seen = given.length === 0 ? 'nothing says what to add' : `${given.map((name) => `--${name}`).join(' and ')} were both given`
    throw withHint(new KpipeError('KPIPE_USAGE', seen), `Give one of ${names.join(', ')}.`)
  }
  if (flags['new-recovery-phrase'] && !terminal.isSeen)
    throw withHint(
      new KpipeError('KPIPE_USAGE', 'there is no terminal to show the recovery phrase on'),
      'Give --new-recovery-phrase-file FILE.',
    )
  if (flags['new-password'] && !env['KPIPE_NEW_PASSWORD'] && !terminal.canAsk)
    throw withHint(
      new KpipeError('KPIPE_USAGE', 'there is no terminal to ask for the password at'),
      'Give --new-password-file FILE, or set KPIPE_NEW_PASSWORD.',
    )
}

/**
 * The secret that gets a slot. A key or phrase that is made is safe in its file before anything relies on it.
 * @throws KpipeError KPIPE_KEY_*, KPIPE_TARGET_FAILED; KPIPE_USAGE when the two answers differ
 */
export async function newSecret(flags: NewSecretFlags, terminal: Terminal, env: Environment): Promise<Secret> {
  const [keyFile, phraseFile, passwordFile] = [flags['new-key-file'], flags['new-recovery-phrase-file'], flags['new-password-file']]
  if (keyFile !== undefined) return existsSync(keyFile) ? readKeyFile(resolve(keyFile)) : createKeyFile(resolve(keyFile))
  if (passwordFile !== undefined) return readPasswordFile(resolve(passwordFile))
  if (phraseFile !== undefined && existsSync(phraseFile)) return readPhraseFile(resolve(phraseFile))
  if (flags['new-password']) return typedPassword(env)
  const phrase = newRecoveryPhrase()
  if (phraseFile !== undefined) await createPhraseFile(resolve(phraseFile), phrase)
  else terminal.tell(`\nRecovery phrase, shown this once:\n\n  ${paint('bold', phrase)}\n`)
  return parseRecoveryPhrase(phrase)
}

async function typedPassword(env: Environment): Promise<Secret> {
  if (env['KPIPE_NEW_PASSWORD']) return parsePassword(env['KPIPE_NEW_PASSWORD'])
  const first = await askHidden('New password: ')
  if ((await askHidden('The same again: ')) !== first) throw new KpipeError('KPIPE_USAGE', 'the two passwords differ; nothing was added')
  return parsePassword(first)
}
