import { readFile } from 'node:fs/promises'
import { KpipeError } from '@kpipe/engine/contracts'
import { recoveryPhraseSecret } from './recovery-phrase.ts'

/** What a person or a host holds to open a repository. */
export type Secret =
  | { readonly kind: 'key-file'; readonly key: Uint8Array; readonly file: string }
  | { readonly kind: 'recovery-phrase'; readonly phrase: string }

/** The 32 bytes of a secret. @throws KpipeError KPIPE_KEY_MALFORMED */
export function secretBytes(secret: Secret): Uint8Array {
  return secret.kind === 'key-file' ? secret.key : recoveryPhraseSecret(secret.phrase)
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
