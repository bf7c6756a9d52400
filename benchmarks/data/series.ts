import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { clusterOf } from './churn.ts'
import { generate } from './generate.ts'

const root = join(import.meta.dirname, '../..')
/** Where generated snapshots are kept, on the disk of which everything is measured. */
export const benchFolder = join(root, '.cache/bench')
export const generatedMebibytes = 108
/** To be raised whenever the generator writes something else. */
const generator = 8

/** One of a series of snapshots, an hour apart. */
export interface SnapshotFile {
  readonly name: string
  read(): Promise<Buffer>
}

export interface Series {
  readonly name: string
  readonly files: readonly SnapshotFile[]
}

/** Paths of generated snapshots of about this size, made when they are not there yet. */
export async function generated(mebibytes = generatedMebibytes, hours = 3): Promise<string[]> {
  const folder = join(benchFolder, `kubernetes-${mebibytes}-mib-${hours}-hours-v${generator}`)
  if (!existsSync(folder)) await generate(folder, { cluster: clusterOf(mebibytes), hours, log: console.error })
  return databases(folder, '.db')
}

export async function generatedSeries(mebibytes = generatedMebibytes, hours = 3): Promise<Series> {
  const files = (await generated(mebibytes, hours)).map((path) => ({ name: basename(path), read: () => readFile(path) }))
  return { name: `generated, ${mebibytes} MiB`, files }
}

/** What the generator makes of the cluster whose snapshots were recorded: as many objects of each kind as those hold. */
export async function generatedLikeRecorded(): Promise<Series> {
  const cluster = { nodes: 20, pods: 240, secrets: 30, releases: 30, configMaps: 31, widgets: 30, events: 1_740 }
  const folder = join(benchFolder, `kubernetes-like-recorded-v${generator}`)
  if (!existsSync(folder)) await generate(folder, { cluster, hours: 4, log: console.error })
  const files = databases(folder, '.db').map((path) => ({ name: basename(path), read: () => readFile(path) }))
  return { name: 'generated, the recorded cluster', files }
}

/** Snapshots under a real kube-apiserver: those of the folder KPIPE_BENCH_RECORDED, else eight where they lie beside the project, else two. */
export function recordedSeries(): Series {
  const folder = recordedFolders().find((path) => existsSync(path))!
  const paths = databases(folder, '.db.zst')
  const files = paths.map((path) => ({ name: basename(path, '.zst'), read: async () => zstdDecompressSync(readFileSync(path)) }))
  return { name: `recorded, ${paths.length} snapshots`, files }
}

/** The SHA-256 in hex that is kept beside a recorded snapshot, by name. */
export function recordedDigest(name: string): string {
  const files = recordedFolders().map((folder) => join(folder, `${name}.sha256`))
  const file = files.find((path) => existsSync(path))
  if (file === undefined) throw new Error(`there is no ${name}.sha256`)
  return readFileSync(file, 'utf8').trim().split(/\s/)[0]!
}

function recordedFolders(): string[] {
  const given = process.env['KPIPE_BENCH_RECORDED']
  const own = [join(root, '../shared/data/k8s-small'), join(root, 'test/fixtures/k8s-small')]
  return given ? [given, ...own] : own
}

function databases(folder: string, end: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(end))
    .toSorted()
    .map((name) => join(folder, name))
}
