import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { readKeyFile } from '../../packages/repository/src/keys/key-file.ts'
import type { Secret } from '../../packages/repository/src/keys/secret.ts'
import type { Payload } from '../../packages/repository/src/log/payload.ts'
import { testFolder } from './folder.ts'
import { clone, kpipe, spawnKpipe, type Ended, type KpipeOptions } from './kpipe.ts'
import { logOf } from './log.ts'

/** What a command could have left behind, to compare before and after a fault. */
export interface Traces {
  /** How many snapshots the log publishes. */
  readonly snapshots: number
  /** Files beside the repository, and unfinished ones in it. */
  readonly files: readonly string[]
}

/** A folder with a pipeline file `backup.yaml`, whose repository is `repository` and whose key `repository.key`. */
export interface Place {
  readonly folder: string
  at(...names: string[]): string
  /** Runs kpipe in the folder, with a home of its own in it. */
  kpipe(args: readonly string[], options?: KpipeOptions): Promise<Ended>
  spawn(args: readonly string[], options?: KpipeOptions): ReturnType<typeof spawnKpipe>
  /** Writes `backup.yaml`, or another, with this source. @param more further lines */
  pipeline(source: string, more?: string, file?: string): void
  /** All entries of the repository's log, opened with the key that was there when this was first called. */
  log(): Promise<Payload[]>
  /** Their kinds: `GENESIS OPEN SNAPSHOT`. */
  logKinds(): Promise<string>
  traces(): Promise<Traces>
  /** Names of all packs. */
  packs(): string[]
  /** Numbers of all log entries, without their zeros. */
  logNames(): string[]
  read(name: string): Buffer
}

export function emptyPlace(t: { after(done: () => void): void }): Place {
  const folder = testFolder(t)
  const at = (...names: string[]) => join(folder, ...names)
  mkdirSync(at('home'))
  const withHome = (options: KpipeOptions = {}): KpipeOptions => ({
    cwd: folder,
    ...options,
    env: { ...homeOf(at('home')), ...options.env },
  })
  let secret: Promise<Secret> | undefined
  const log = async () => logOf(at('repository'), await (secret ??= readKeyFile(at('repository.key'))))
  return {
    folder,
    at,
    kpipe: (args, options) => kpipe(args, withHome(options)),
    spawn: (args, options) => spawnKpipe(args, withHome(options)),
    pipeline(source, more = '', file = 'backup.yaml') {
      const rest = 'store: { use: store-fs, with: { path: ./repository } }\nkey: { file: ./repository.key }'
      writeFileSync(at(file), `name: ${file.replace('.yaml', '')}\nsource: ${source}\n${rest}\n${more}\n`)
    },
    packs: () => filesUnder(at('repository', 'packs')),
    logNames: () => filesUnder(at('repository', 'log')).map((name) => String(Number(name))),
    read: (name) => readFileSync(at(name)),
    log,
    logKinds: async () => (await log()).map(({ kind }) => kind).join(' '),
    async traces() {
      const snapshots = existsSync(at('repository', 'repository')) ? (await log()).filter(({ kind }) => kind === 'SNAPSHOT').length : 0
      const finished = (name: string) => name.startsWith('home/') || (name.startsWith('repository/') && !name.startsWith('repository/tmp/'))
      return { snapshots, files: filesUnder(folder).filter((name) => !finished(name)) }
    },
  }
}

/** A place with a repository; the recovery phrase is in `phrase.txt`. */
export async function place(t: { after(done: () => void): void }, source: string, more?: string): Promise<Place> {
  const made = emptyPlace(t)
  made.pipeline(source, more)
  const { code, stderr } = await made.kpipe(['init', '--recovery-phrase-file', 'phrase.txt'])
  if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`)
  return made
}

/** The environment of somebody who has never used kpipe; only the cache of compiled code is shared. */
export function homeOf(home: string): Record<string, string | undefined> {
  const unset = Object.keys(process.env).filter((name) => name.startsWith('KPIPE_') && name !== 'KPIPE_TEST_MARK')
  return {
    ...Object.fromEntries(unset.map((name) => [name, undefined])),
    HOME: home,
    XDG_CONFIG_HOME: undefined,
    XDG_STATE_HOME: undefined,
    XDG_CACHE_HOME: join(clone, '.cache'),
    TZ: 'UTC',
  }
}

/** Paths of all files below a folder, sorted; none when it does not exist. */
export function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted()
}

/** Those files below a folder that hold these bytes in clear. */
export function filesWith(folder: string, secret: string): string[] {
  return filesUnder(folder).filter((name) => statSync(join(folder, name)).isFile() && readFileSync(join(folder, name)).includes(secret))
}

/** The last JSON line that a command wrote. */
export function lastLine({ stdout, stderr }: Pick<Ended, 'stdout' | 'stderr'>): Record<string, unknown> {
  const line = stdout.trim().split('\n').at(-1)
  if (line === undefined || !line.startsWith('{')) throw new Error(`there is no JSON line in ${stdout}${stderr}`)
  return JSON.parse(line) as Record<string, unknown>
}
