import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { changedPages, zstdBytes } from './data/changed-pages.ts'
import { recordedDigest, recordedSeries } from './data/series.ts'
import { fileSource, newRepository } from './measure/repository.ts'
import { mebibytes, percent, table } from './measure/table.ts'

/** Claim: a snapshot adds to the repository little more than its changed pages compressed together, everything included. */
const series = recordedSeries()
const folder = ownFolder('kpipe-bench-')
const repository = await newRepository(join(folder, 'repository'))
const database = join(folder, 'snapshot.db')
const rows = []
const ids = new Map<string, string>()
const later = { changed: 0, grown: 0 }
const all = { changed: 0, grown: 0 }
let previous: Buffer = Buffer.alloc(0)

for (const { name, read } of series.files) {
  const bytes = await read()
  writeFileSync(database, bytes)
  const changed = changedPages(previous, bytes)
  const before = repository.bytes()
  await repository.backUp(fileSource(database))
  const grown = repository.bytes() - before
  const { snapshot_id: id } = lastSnapshot((await repository.kpipe('snapshots', '--json', '-c', pipeline())).stdout)
  ids.set(name, id)
  for (const sum of previous.length > 0 ? [all, later] : [all]) {
    sum.changed += changed.length
    sum.grown += grown
  }
  const packed = zstdBytes(changed)
  rows.push([
    name,
    mebibytes(bytes.length),
    mebibytes(changed.length),
    mebibytes(grown),
    percent(grown / changed.length),
    percent(packed / changed.length),
    grown - packed,
  ])
  previous = bytes
}

const restored = join(folder, 'restored.db')
for (const [name, id] of ids) {
  await repository.kpipe('restore', id, '-c', pipeline(), '-to', restored)
  const digest = createHash('sha256').update(readFileSync(restored)).digest('hex')
  if (digest !== recordedDigest(name)) throw new Error(`${name} is restored with the digest ${digest}`)
  rmSync(restored)
}

console.log('## Growth\n')
console.log(
  `Snapshots recorded under a real apiserver (${series.name}), backed up in order. Growth counts every byte of the store: frames, recipes, directories, log, padding. ` +
    'The share is of the bytes of the pages that differ from those of the snapshot before; beside it what zstd 3 alone makes of these pages, 4 MiB at a time.\n',
)
console.log(table(['snapshot', 'MiB', 'changed MiB', 'growth MiB', 'share', 'zstd 3 alone', 'bytes beside'], rows))
console.log(
  `\nOver all ${ids.size}: ${percent(all.grown / all.changed)} of the changed pages' bytes (required: 8.5 % over eight); without the first, ${percent(later.grown / later.changed)}. ` +
    `Each of them was restored, with the SHA-256 that was recorded with it.`,
)
dropFolder(folder)

function pipeline(): string {
  return join(repository.folder, 'backup.yaml')
}

function lastSnapshot(json: string): { readonly snapshot_id: string } {
  const newest = (JSON.parse(json) as { id: string }[]).at(-1)!
  return { snapshot_id: newest.id }
}
