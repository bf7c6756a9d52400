import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { recoveryPhraseSecret } from '../../packages/repository/src/keys/recovery-phrase.ts'
import type { Ended, KpipeOptions } from './kpipe.ts'
import { emptyPlace, type Place } from './place.ts'
import { allUnder } from './all-under.ts'
import { secretSearch } from './secret-search.ts'

const preload = pathToFileURL(join(import.meta.dirname, 'careless-user.mjs')).href
/** What the user has made, or asked to be readable by others, and what Node puts into the folder for compiled code, which is 0700. */
const notOurs =
  /^(home|tmp|input|backup\.yaml|.*\.mjs|.*\.yaml|password\.txt|hooked-.*|metrics\.prom|home\/words|home\/cache\/kpipe\/compiled\/.*)$/
/** Where secrets belong. */
const vault = ['input', 'repository.key', 'phrase.txt', 'password.txt']

/** A place where everything that kpipe says and leaves anywhere is searched for secrets. */
export interface SecretivePlace extends Place {
  readonly env: Readonly<Record<string, string>>
  options(more?: KpipeOptions): KpipeOptions
  /** What kpipe has said so far. */
  readonly said: string[]
  /** Runs kpipe and keeps what it says. */
  run(args: readonly string[], options?: KpipeOptions): Promise<Ended>
  /** Fails the test for every secret that is found, every file that others can read, and every core dump. */
  demandSecrecy(t: Test, except?: readonly string[]): void
}

/**
 * Backs up the file `input`. Its repository's key and phrase and a password are secrets, beside those of `more`.
 * @param options with `ownCache` compiled code is kept here as well, and not where all tests keep it, which is faster
 */
export async function secretivePlace(
  t: Test,
  more: Readonly<Record<string, string>>,
  { ownCache }: { readonly ownCache: boolean },
): Promise<SecretivePlace> {
  const place = emptyPlace(t)
  const { at } = place
  mkdirSync(at('tmp'), { mode: 0o700 })
  const env = {
    TMPDIR: at('tmp'),
    XDG_RUNTIME_DIR: at('tmp'),
    ...(ownCache && { XDG_CACHE_HOME: at('home', 'cache') }),
    KPIPE_TEST_WORDS: at('home', 'words'),
  }
  const options = ({ nodeArguments = [], env: added, ...others }: KpipeOptions = {}): KpipeOptions => ({
    ...others,
    nodeArguments: [`--import=${preload}`, ...nodeArguments],
    env: { ...env, ...added },
  })
  const said: string[] = []
  const run = async (args: readonly string[], more?: KpipeOptions): Promise<Ended> => {
    const ended = await place.kpipe(args, options(more))
    said.push(`${ended.stdout}${ended.stderr}`)
    return ended
  }
  place.pipeline('{ use: file, with: { path: ./input } }')
  const password = 'Correct-Horse-Battery-Staple-7c01d2'
  writeFileSync(at('password.txt'), `${password}\n`)
  const made = await run(['init', '--recovery-phrase-file', 'phrase.txt', '-vv'])
  t.equal(made.code, 0, made.stderr)
  const key = /:([0-9a-f]{64}):/.exec(readFileSync(at('repository.key'), 'utf8'))![1]
  const phrase = readFileSync(at('phrase.txt'), 'utf8').trim()
  const search = secretSearch({
    ...more,
    password,
    key: Buffer.from(key, 'hex'),
    phrase,
    'phrase without dashes': phrase.replaceAll('-', ''),
    'bytes of the phrase': recoveryPhraseSecret(phrase),
  })
  return {
    ...place,
    env,
    options,
    said,
    run,
    demandSecrecy(t, except = []) {
      t.same(search.inFiles(place.folder, [...vault, ...except]), [], 'no secret is in any file')
      t.same(search.inBytes(Buffer.from(said.join('\n'))), [], 'nor was it said')
      const open = allUnder(place.folder).filter((path) => (statSync(path).mode & 0o077) !== 0)
      t.same(
        open.map((path) => relative(place.folder, path)).filter((name) => !notOurs.test(name)),
        [],
        'nobody else can read a file or enter a folder',
      )
      t.same(
        allUnder(place.folder).filter((path) => /(^|\/)(core(\.\d+)?|.*\.heapsnapshot|report\..*\.json)$/.test(path)),
        [],
        'there is no dump',
      )
    },
  }
}
