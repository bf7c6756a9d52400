import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { openRepository, readKeyFile, type DrillResult } from '../../src/index.ts'
import { storeOf, writeNew } from './store-of.ts'

/** That of the release which `npm test` makes, or of the sources. */
const bin = process.env['KPIPE_TEST_PROGRAM'] ?? resolve(import.meta.dirname, '../../../cli/bin/kpipe.js')
/** Shared, so that not every process compiles everything anew. */
const cacheFolder = resolve(import.meta.dirname, '../../../../.cache')

/** What a test secret is called in the folder of a history. */
export const secretFiles = { key: 'repository.key', phrase: 'phrase.txt', password: 'password.txt' } as const

/** Runs kpipe in a folder, with a home of its own there. @throws Error with what it said when it ends with another code */
export async function kpipe(folder: string, words: readonly string[], expected = 0): Promise<string> {
  const child = spawn(process.execPath, [bin, ...words], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: join(folder, 'home'),
      XDG_STATE_HOME: join(folder, 'home/state'),
      XDG_CACHE_HOME: cacheFolder,
      TZ: 'UTC',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail)
    child.once('close', done)
  })
  if (code !== expected) throw new Error(`kpipe ${words.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

export interface StreamSettings {
  readonly name: string
  /** Length of a page, or content-defined chunks. */
  readonly pageBytes?: number
  readonly hash?: 'sha256' | 'blake3'
  /** Files and folders of the history's folder. */
  readonly attach?: readonly string[]
}

/** Writes the pipeline file `<name>.yaml`, whose source is the file `<name>.stream`. */
export async function pipeline(folder: string, { name, pageBytes, hash = 'sha256', attach = [] }: StreamSettings): Promise<void> {
  const chunk = pageBytes === undefined ? '{ algorithm: fastcdc }' : `{ algorithm: page, pageBytes: ${pageBytes} }`
  const stages = [`{ use: chunk, with: ${chunk} }`, `{ use: hash, with: { algorithm: ${hash} } }`, '{ use: compress }', '{ use: seal }']
  const lines = [
    `name: ${name}`,
    `source: { use: file, with: { path: ${name}.stream } }`,
    ...(attach.length === 0 ? [] : [`attach: [${attach.join(', ')}]`]),
    `stages: [${stages.join(', ')}]`,
    'store: { use: store-fs, with: { path: repository } }',
    `key: { file: ${secretFiles.key} }`,
  ]
  await writeFile(join(folder, `${name}.yaml`), `${lines.join('\n')}\n`)
}

export interface MadeSnapshot {
  readonly id: string
  readonly name: string
  readonly bytes: number
  /** SHA-256 of the stream, in hex. */
  readonly sha256: string
  /** SHA-256 in hex of each file that was stored with it, by name. */
  readonly attachments?: Readonly<Record<string, string>>
}

export interface BackUpOptions {
  readonly words?: readonly string[]
  readonly code?: number
  /** Files that the pipeline file attaches, by path in the folder; they are written before. */
  readonly attached?: Readonly<Record<string, Uint8Array>>
}

/** One backup of these bytes under a name whose pipeline file is there. @throws Error when kpipe ends with another code than this */
export async function backUp(
  folder: string,
  name: string,
  stream: Uint8Array,
  { words = [], code = 0, attached = {} }: BackUpOptions = {},
): Promise<MadeSnapshot> {
  await writeFile(join(folder, `${name}.stream`), stream)
  for (const [path, bytes] of Object.entries(attached)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), bytes)
  }
  const output = await kpipe(folder, ['run', `${name}.yaml`, '--json', ...words], code)
  const { snapshot_id: id } = JSON.parse(output.trim().split('\n').at(-1)!) as { snapshot_id: string }
  const made = { id, name, bytes: stream.length, sha256: sha256(stream) }
  const named = Object.entries(attached).map(([path, bytes]) => [join(folder, path).slice(1), sha256(bytes)])
  return named.length === 0 ? made : { ...made, attachments: Object.fromEntries(named) as Record<string, string> }
}

/** Notes what a drill made of a snapshot, as `kpipe drill` does. */
export async function recordDrill(folder: string, id: string, result: DrillResult): Promise<void> {
  const store = await storeOf(join(folder, 'repository'))
  const secret = await readKeyFile(join(folder, secretFiles.key))
  const repository = await openRepository({ store, secret, warn: () => undefined })
  await repository.recordDrill(id, result)
  await repository.settled()
  await writeNew(store, join(folder, 'repository'))
}

/** SHA-256 in hex of what kpipe restores of a snapshot. */
export async function restored(folder: string, id: string, secret: readonly string[]): Promise<string> {
  await kpipe(folder, ['restore', id, '--store', 'repository', ...secret, '--to', `restored-${id}`])
  return sha256(await readFile(join(folder, `restored-${id}`)))
}

/** SHA-256 in hex of the attachments that kpipe restores, by name. */
export async function restoredAttachments(
  folder: string,
  id: string,
  secret: readonly string[],
  names: readonly string[],
): Promise<Record<string, string>> {
  if (names.length === 0) return {}
  const place = `attachments-${id}`
  await kpipe(folder, ['restore', id, '--store', 'repository', ...secret, '--attachments', place])
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, sha256(await readFile(join(folder, place, name)))])))
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
