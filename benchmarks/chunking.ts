import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stageLoader, useStage } from '@kpipe/engine'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { shifted, tar, tarEntries } from '../test/support/tar.ts'
import { recordedSeries, type Series } from './data/series.ts'
import { kpipe } from './measure/kpipe.ts'
import { median } from './measure/median.ts'
import { mebibytes, percent, table } from './measure/table.ts'

/** Claim: pages are right for a database, whose pages keep their places, and FastCDC for a stream whose contents move. */
const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 5)
const folder = ownFolder('kpipe-bench-')
const entries = tarEntries(400)
const archives = [entries, shifted(entries), shifted(shifted(entries))]
const moved: Series = {
  name: 'an archive whose contents move',
  files: archives.map((files, hour) => ({ name: `${hour}.tar`, read: async () => tar(files) })),
}

const ways = {
  'page, sha256': [{ algorithm: 'page', pageBytes: 4096 }, { algorithm: 'sha256' }],
  'fastcdc, sha256': [{ algorithm: 'fastcdc' }, { algorithm: 'sha256' }],
  'fastcdc, blake3': [{ algorithm: 'fastcdc' }, { algorithm: 'blake3' }],
} as const

const growth: (string | number)[][] = []
for (const series of [recordedSeries(), moved]) {
  for (const [name, [chunk, hash]] of Object.entries(ways)) {
    const { fresh, grown, later, bytes } = await backUpAll(series, chunk, hash)
    growth.push([series.name, name, mebibytes(bytes), mebibytes(fresh), percent(fresh / bytes), mebibytes(grown), mebibytes(later)])
  }
}

console.log('## Chunking\n')
console.log(
  'Each series is backed up in order by the command, and every snapshot restored and compared. Growth counts every byte of the store; `later` is without the first snapshot.\n',
)
console.log(table(['series', 'chunks and tags', 'MiB', 'fresh MiB', 'fresh', 'growth MiB', 'later MiB'], growth))
console.log('\nOn one thread, in segments of 2 MiB, in MiB/s:\n')
console.log(table(['', 'database', 'archive'], await speeds()))
dropFolder(folder)

async function backUpAll(series: Series, chunk: object, hash: object) {
  const home = join(folder, `${series.name} ${JSON.stringify([chunk, hash])}`.replaceAll(/[^a-z0-9]+/g, '-'))
  mkdirSync(home)
  const at = (name: string) => join(home, name)
  const env = { XDG_STATE_HOME: at('state') }
  const stages = [{ use: 'chunk', with: chunk }, { use: 'hash', with: hash }, { use: 'compress' }, { use: 'seal' }]
  const [source, store] = [
    { use: 'file', with: { path: './stream' } },
    { use: 'store-fs', with: { path: './repository' } },
  ]
  writeFileSync(at('backup.yaml'), JSON.stringify({ name: 'bench', source, stages, store, key: { file: './repository.key' } }))
  await kpipe(['init', '-c', at('backup.yaml'), '--no-recovery-phrase'], env)
  const sums = { bytes: 0, fresh: 0, grown: 0, later: 0 }
  for (const file of series.files) {
    const stream = await file.read()
    writeFileSync(at('stream'), stream)
    const { stdout } = await kpipe(['run', at('backup.yaml'), '--json'], env)
    const summary = JSON.parse(stdout.trim().split('\n').at(-1)!) as { snapshot_id: string; bytes_fresh: number }
    const grown = bytesBelow(at('repository')) - sums.grown
    if (sums.bytes > 0) sums.later += grown
    sums.grown += grown
    sums.bytes += stream.length
    sums.fresh += summary.bytes_fresh
    await kpipe(['restore', summary.snapshot_id, '-c', at('backup.yaml'), '-to', at('restored')], env)
    if (!digest(readFileSync(at('restored'))).equals(digest(stream))) throw new Error(`${file.name} is restored as something else`)
    rmSync(at('restored'))
  }
  return sums
}

async function speeds(): Promise<(string | number)[][]> {
  const loader = stageLoader({ resolveOwn: (specifier) => import.meta.resolve(specifier) })
  const streams = [await recordedSeries().files.at(-1)!.read(), tar(entries)].map((stream) => inShared(stream))
  const rows: (string | number)[][] = []
  for (const [name, settings] of [
    ['page', { algorithm: 'page', pageBytes: 4096 }],
    ['fastcdc', { algorithm: 'fastcdc' }],
  ] as const) {
    const { stage, settings: filled } = await useStage(loader, 'chunk', 'chunk', settings, folder)
    const plan = stage.plan(new Uint8Array(0), filled as never)
    if (plan.pageBytes === 0) {
      rows.push([`${name}: cut (workers)`, ...streams.map((stream) => speed(stream, (segment) => stage.cut(segment, plan as never)))])
      rows.push([
        `${name}: anchor (main thread)`,
        ...streams.map((stream) => speed(stream, (segment) => stage.anchor(segment, plan as never))),
      ])
    }
    for (const algorithm of ['sha256', 'blake3']) {
      const hash = await useStage(loader, 'hash', 'hash', { algorithm }, folder)
      const tagger = await hash.stage.open(hash.settings as never)
      const tag = (segment: Uint8Array) => {
        const ends = stage.cut(segment, plan as never)
        return () => tagger.tags(segment, ends, new Uint8Array(64), new Uint8Array(ends.length * 16))
      }
      rows.push([`${name}: tag with ${algorithm} (workers)`, ...streams.map((stream) => speed(stream, undefined, tag))])
    }
  }
  return rows
}

/** Median over some rounds; `prepare` is not timed. */
function speed(stream: Uint8Array, work?: (segment: Uint8Array) => unknown, prepare?: (segment: Uint8Array) => () => unknown): number {
  const segments: Uint8Array[] = []
  for (let at = 0; at < stream.length; at += 2 ** 21) segments.push(stream.subarray(at, at + 2 ** 21))
  const rounds = Array.from({ length: repeats + 3 }, () => {
    const works = segments.map((segment) => prepare?.(segment) ?? (() => work?.(segment)))
    const began = performance.now()
    for (const one of works) one()
    return stream.length / 2 ** 20 / ((performance.now() - began) / 1000)
  })
  return Math.round(median(rounds.slice(3)))
}

function inShared(stream: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(stream.length))
  shared.set(stream)
  return shared
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function bytesBelow(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}
