import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ownChild } from '../../scripts/children.ts'
import { getPython } from '../../scripts/python/get-python.ts'
import { clone, collect, type Ended } from '../../test/support/kpipe.ts'
import type { secretFiles } from '../../packages/repository/test/golden/program.ts'

const program = join(clone, 'second-reader/kpipe_reader.py')
const flags = { key: '--key-file', phrase: '--phrase-file', password: '--password-file' } as const
const files = { key: 'repository.key', phrase: 'phrase.txt', password: 'password.txt' } as const satisfies typeof secretFiles

let python: ReturnType<typeof getPython> | undefined

export type SecretName = keyof typeof flags

/** The arguments that name a secret in the folder of a history. */
export function secret(folder: string, name: SecretName): string[] {
  return [flags[name], join(folder, files[name])]
}

/** Runs the second reader to its end. @throws Error when no Python can be had */
export function reader(words: readonly string[]): Promise<Ended> {
  return runPython(program, words)
}

/** Runs a program in Python with what the second reader needs. @throws Error when no Python can be had */
export async function runPython(file: string, words: readonly string[]): Promise<Ended> {
  const { program: run, env } = await (python ??= getPython({ log: console.error }))
  return collect(ownChild(run, [file, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, ...env } }))
}

/** Ids of all snapshots, as the second reader lists them. @throws Error with what it said */
export async function listed(repository: string, secret: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await reader(['list', repository, ...secret])
  if (code !== 0) throw new Error(`the second reader ended with ${code}: ${stderr}`)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t')[0]!)
}

/** Names of all attachments of a snapshot, as the second reader lists them. @throws Error with what it said */
export async function attached(repository: string, id: string, secret: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await reader(['attachments', repository, id, ...secret])
  if (code !== 0) throw new Error(`the second reader ended with ${code}: ${stderr}`)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t')[1]!)
}

/** What the second reader makes of a snapshot, or of an attachment of it: how it ended, and the SHA-256 in hex of the file, if it made one. */
export async function restoredBy(
  repository: string,
  id: string,
  secret: readonly string[],
  file: string,
  attachment?: string,
): Promise<Ended & { readonly sha256: string | undefined }> {
  rmSync(file, { force: true })
  const what = attachment === undefined ? [] : ['--attachment', attachment]
  const ended = await reader(['restore', repository, id, '-to', file, ...what, ...secret])
  return { ...ended, sha256: existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : undefined }
}
