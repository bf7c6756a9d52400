import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { crc32c } from '@kpipe/bolt'
import type { Test } from 'tap'
import { message } from '../../src/restore/raft-messages.ts'
import { crashedDatabase } from '../restore/vectors.ts'

export const walName = '0000000000000000-0000000000000000.wal'
export const crashedLog = gunzipSync(readFileSync(join(import.meta.dirname, '../fixtures/crash-3.6.16.wal.gz')))

export interface StoppedFolder {
  readonly dataDir: string
  readonly database: string
  at(...names: string[]): string
}

/** The data directory of the member of the crash vector, last written to an hour ago. */
export function stoppedMember(t: Test, database: Uint8Array = crashedDatabase(), walDir = 'member/wal'): StoppedFolder {
  const dataDir = t.testdir()
  const at = (...names: string[]) => join(dataDir, ...names)
  mkdirSync(at('member/snap'), { recursive: true })
  mkdirSync(at(walDir), { recursive: true })
  const file = at('member/snap/db')
  writeFileSync(file, database)
  const anHourAgo = Date.now() / 1000 - 3600
  utimesSync(file, anHourAgo, anHourAgo)
  writeFileSync(at(walDir, walName), crashedLog)
  return { dataDir, database: file, at }
}

/** A snapshot of raft whose store of version 2 is this. */
export function raftSnapshot(store: unknown): Uint8Array {
  const snapshot = message([1, JSON.stringify(store)], [2, message([2, 5n], [3, 1n])])
  return message(
    [1, BigInt(crc32c(new DataView(snapshot.buffer, snapshot.byteOffset, snapshot.length), 0, snapshot.length))],
    [2, snapshot],
  )
}

/** Another process that has bbolt's lock, as etcd has it, until the returned function is called. */
export async function locked(t: Test, file: string): Promise<{ readonly pid: number; release(): Promise<void> }> {
  const child = spawn('flock', ['--exclusive', '--nonblock', '--no-fork', file, 'sh', '-c', 'echo locked; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const release = async () => {
    child.stdin.end()
    await ended
  }
  t.teardown(release)
  await once(child.stdout, 'data')
  return { pid: child.pid!, release }
}

/** Runs `use` where no program is found. */
export const withoutPrograms = <T>(use: () => Promise<T>): Promise<T> => withPath('/nonexistent', use)

/** Runs `use` where this shell script is the program flock. */
export function withProgram<T>(folder: string, script: string, use: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'flock'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return withPath(folder, use)
}

async function withPath<T>(path: string, use: () => Promise<T>): Promise<T> {
  const { PATH } = process.env
  process.env['PATH'] = path
  try {
    return await use()
  } finally {
    process.env['PATH'] = PATH
  }
}
