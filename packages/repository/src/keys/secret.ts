import { readFile } from 'node:fs/promises'
import { KpipeError } from '@kpipe/engine/contracts'
import { passwordSecret } from './password.ts'
import { recoveryPhraseSecret } from './recovery-phrase.ts'

/** What a person or a host holds to open a repository. */
export type Secret =
  | { readonly kind: 'key-file'; readonly key: Uint8Array; readonly file: string }
  | { readonly kind: 'recovery-phrase'; readonly phrase: string }
  | { readonly kind: 'password'; readonly password: string }

/**
 * The 32 bytes of a secret; of a password, under the parameters of a slot, and undefined when these are out of bounds.
 * @throws KpipeError KPIPE_KEY_MALFORMED
 */
export async function secretBytes(secret: Secret, parameters: Uint8Array): Promise<Uint8Array | undefined> {
  switch (secret.kind) {
    case 'key-file':
      return secret.key
    case 'recovery-phrase':
      return recoveryPhraseSecret(secret.phrase)
    case 'password':
      return passwordSecret(secret.password, parameters)
  }
}

/** As errors name it. */
export function secretName(secret: Secret): string {
  if (secret.kind === 'key-file') return `the key in ${secret.file}`
  return secret.kind === 'recovery-phrase' ? 'the recovery phrase' : 'the password'
}

/** @throws KpipeError KPIPE_KEY_MALFORMED */
export function parseRecoveryPhrase(text: string): Secret {
  recoveryPhraseSecret(text)
  return { kind: 'recovery-phrase', phrase: text.trim() }
}

/** @throws KpipeError KPIPE_KEY_MISSING, KPIPE_KEY_UNREADABLE, KPIPE_KEY_MALFORMED */
export async function readPhraseFile(path: string): Promise<Secret> {
  return parseRecoveryPhrase(await readSecretFile(path, 'recovery phrase file'))
}

/** A password as it was typed or stands in a file, without the end of its line. @throws KpipeError KPIPE_KEY_MALFORMED */
export function parsePassword(text: string): Secret {
  const password = text.replace(/\r?\n$/, '')
  if (password === '') throw new KpipeError('KPIPE_KEY_MALFORMED', 'the password is empty')
  if (/[\r\n\0]/.test(password)) throw new KpipeError('KPIPE_KEY_MALFORMED', 'the password has more than one line')
  return { kind: 'password', password }
}

/** @throws KpipeError KPIPE_KEY_MISSING, KPIPE_KEY_UNREADABLE, KPIPE_KEY_MALFORMED */
export async function readPasswordFile(path: string): Promise<Secret> {
  return parsePassword(await readSecretFile(path, 'password file'))
}

/** At most 64 KiB of text. @throws KpipeError KPIPE_KEY_MISSING, KPIPE_KEY_UNREADABLE */
export async function readSecretFile(path: string, what: string): Promise<string> {
  try {
    return (await readFile(path)).subarray(0, 65_536).toString('utf8')
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new KpipeError('KPIPE_KEY_MISSING', `there is no ${what} at ${path}`, { file: path }, { cause })
    throw new KpipeError('KPIPE_KEY_UNREADABLE', `the ${what} ${path} cannot be read: ${code}`, { file: path }, { cause })
  }
}
