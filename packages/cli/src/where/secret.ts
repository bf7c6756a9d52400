import { resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { parseRecoveryPhrase, readKeyFile, readPhraseFile } from '@kpipe/repository'
import type { Secret } from '@kpipe/repository'
import type { Terminal } from '../terminal.ts'
import { askHidden } from './ask-hidden.ts'
import type { Environment } from './pipeline-file.ts'

export interface SecretPlaces {
  /** `--key-file` */
  readonly keyFile: string | undefined
  /** `--recovery-phrase-file` */
  readonly phraseFile: string | undefined
  /** `key: { file }` of the pipeline file */
  readonly pipelineKeyFile: string | undefined
  readonly env: Environment
}

/**
 * What opens the repository: flag, then environment, then pipeline file, then a question on the terminal.
 * @throws KpipeError KPIPE_KEY_MISSING, KPIPE_KEY_UNREADABLE, KPIPE_KEY_MALFORMED; KPIPE_USAGE when two flags contradict
 */
export async function findSecret(places: SecretPlaces, terminal: Terminal): Promise<Secret> {
  const { keyFile, phraseFile, pipelineKeyFile, env } = places
  if (keyFile !== undefined && phraseFile !== undefined) {
    throw new KpipeError('KPIPE_USAGE', '--key-file and --recovery-phrase-file were both given, and one of them is enough')
  }
  const readKey = (file: string, from: string) => {
    terminal.explain(`key: ${file}, from ${from}`)
    return readKeyFile(file)
  }
  if (keyFile !== undefined) return readKey(resolve(keyFile), '--key-file')
  if (phraseFile !== undefined) {
    terminal.explain(`recovery phrase: ${resolve(phraseFile)}, from --recovery-phrase-file`)
    return readPhraseFile(resolve(phraseFile))
  }
  if (env['KPIPE_KEY_FILE']) return readKey(resolve(env['KPIPE_KEY_FILE']), 'KPIPE_KEY_FILE')
  if (env['KPIPE_RECOVERY_PHRASE']) {
    terminal.explain('recovery phrase: from KPIPE_RECOVERY_PHRASE')
    return parseRecoveryPhrase(env['KPIPE_RECOVERY_PHRASE'])
  }
  if (pipelineKeyFile !== undefined) return readKey(pipelineKeyFile, 'the pipeline file')
  if (terminal.canAsk) return parseRecoveryPhrase(await askHidden('Recovery phrase: '))
  throw new KpipeError('KPIPE_KEY_MISSING', 'neither a key file nor a recovery phrase was given, and there is no terminal to ask at')
}
