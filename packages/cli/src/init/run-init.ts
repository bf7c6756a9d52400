import { existsSync } from 'node:fs'
import type { HashStage, Store } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import type { LoadedStage } from '@kpipe/engine'
import { createKeyFile, fillReserve, initRepository, newRecoveryPhrase, readKeyFile, readPhraseFile } from '@kpipe/repository'
import { probeStore } from '../plan/probe-store.ts'
import { hasRepository } from '../where/has-repository.ts'
import { createPhraseFile } from './phrase-file.ts'

/** Where the recovery phrase goes. */
export type PhrasePlace = { readonly kind: 'file'; readonly file: string } | { readonly kind: 'terminal' } | { readonly kind: 'nowhere' }

export interface InitRun {
  readonly store: Store
  readonly keyFile: string
  readonly phrase: PhrasePlace
  readonly hash: LoadedStage<HashStage>
  /** Shows the phrase to the person at the terminal, before anything relies on it. */
  show(phrase: string): void
}

export interface InitOutcome {
  readonly id: string
  readonly head: string
  /** False when the key file was there before. */
  readonly keyCreated: boolean
  /** True when an earlier attempt had died and this one finished it. */
  readonly resumed: boolean
}

/**
 * Makes a repository. Key and phrase are safe before it exists, so that a repository nobody can open never comes about;
 * what an attempt that died has left of them is used again.
 * @throws KpipeError KPIPE_REPOSITORY_EXISTS, with nothing changed; KPIPE_STORE_UNSUITABLE when the store breaks its promises
 */
export async function runInit({ store, keyFile, phrase, hash, show }: InitRun): Promise<InitOutcome> {
  if (await hasRepository(store)) {
    throw new KpipeError('KPIPE_REPOSITORY_EXISTS', `there is a repository in ${store.location} already`, { location: store.location })
  }
  // What is there already is read before anything is made.
  const keyCreated = !existsSync(keyFile)
  const key = keyCreated ? undefined : await readKeyFile(keyFile)
  const phraseBefore = await phraseIn(phrase)
  await probeStore(store)
  const recoveryPhrase = phraseBefore ?? (await newPhrase(phrase, show))
  const secret = key ?? (await createKeyFile(keyFile))
  const tagAlgorithm = (await hash.stage.open(hash.settings as never)).algorithm
  const made = await initRepository({ store, keyFile: secret, recoveryPhrase, tagAlgorithm })
  // Who has no room for it now has no room for a backup either, and is told so then.
  await fillReserve(store, 0)
  return { ...made, keyCreated }
}

/** The phrase of the file, when there is one. */
async function phraseIn(place: PhrasePlace): Promise<string | undefined> {
  if (place.kind !== 'file' || !existsSync(place.file)) return undefined
  const secret = await readPhraseFile(place.file)
  return secret.kind === 'recovery-phrase' ? secret.phrase : undefined
}

async function newPhrase(place: PhrasePlace, show: (phrase: string) => void): Promise<string | undefined> {
  if (place.kind === 'nowhere') return undefined
  const phrase = newRecoveryPhrase()
  if (place.kind === 'file') await createPhraseFile(place.file, phrase)
  else show(phrase)
  return phrase
}
