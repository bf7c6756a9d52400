import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { kpipe } from './kpipe.ts'
import type { Ended, Options } from './kpipe.ts'

/** A snapshot that etcdctl 3.6.16 saved: 18 pages of 4 KiB and the trailer, revision 142, 31 keys. */
export const sampleSnapshot = resolve(import.meta.dirname, '../fixtures/snap-3.6.16.db')

export interface Workplace {
  readonly folder: string
  /** Path of a file in it. */
  at(...names: string[]): string
  kpipe(words: readonly string[], options?: Partial<Options>): Promise<Ended>
}

const pipeline = `
name: sample
source: { use: file, with: { path: snap.db } }
store: { use: store-fs, with: { path: repository } }
key: { file: repository.key }
`

/** A folder with a snapshot file and a pipeline file that reads it, gone after the test. */
export function workplace(t: { after(done: () => void): void }): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  copyFileSync(sampleSnapshot, join(folder, 'snap.db'))
  writeFileSync(join(folder, 'backup.yaml'), pipeline)
  return {
    folder,
    at: (...names) => join(folder, ...names),
    kpipe: (words, options = {}) => kpipe(words, { cwd: folder, ...options }),
  }
}

/** A workplace with a repository, and its recovery phrase in `phrase.txt`. */
export async function initialized(t: { after(done: () => void): void }): Promise<Workplace> {
  const place = workplace(t)
  const { code, stderr } = await place.kpipe(['init', '--recovery-phrase-file', 'phrase.txt'])
  if (code !== 0) throw new Error(`init failed: ${stderr}`)
  return place
}

/** A workplace with one snapshot, and its id. */
export async function backedUp(t: { after(done: () => void): void }): Promise<Workplace & { readonly id: string }> {
  const place = await initialized(t)
  const { code, stdout, stderr } = await place.kpipe(['run', '--json', '--tag', 'first'])
  if (code !== 0) throw new Error(`run failed: ${stdout}${stderr}`)
  return { ...place, id: (JSON.parse(stdout.trim().split('\n').at(-1)!) as { snapshot_id: string }).snapshot_id }
}
