import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, streamDigest, startWorkers, stageLoader, useStage, type LoadedStage } from '@kpipe/engine'
import type {
  ChunkStage,
  CodecStage,
  EncodedFrame,
  FrameShape,
  HashStage,
  InspectStage,
  SourceStage,
  StoreStage,
} from '@kpipe/engine/contracts'
import { createKeyFile, initRepository, openRepository } from '@kpipe/repository'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { generated } from './data/series.ts'
import { median } from './measure/median.ts'
import { mebibytes, table } from './measure/table.ts'

/** Claim: how fast each stage is by itself on one thread, and how much of that the whole pipeline keeps. */
const repeats = Number(process.env['KPIPE_BENCH_REPEATS'] ?? 5)
const segmentBytes = 2 * 2 ** 20
const frameBytes = 4 * 2 ** 20
const [hour0, hour1] = (await generated()) as [string, string]
const content = readFileSync(hour1)
const shared = new Uint8Array(new SharedArrayBuffer(content.length))
shared.set(content)
const folder = ownFolder('kpipe-bench-')

const loader = stageLoader({ resolveOwn: (specifier) => import.meta.resolve(specifier) })
const stage = <Stage>(kind: 'source' | 'chunk' | 'hash' | 'inspect' | 'codec' | 'store', name: string, settings: object = {}) =>
  useStage(loader, kind, name, settings, folder) as unknown as Promise<LoadedStage<Stage>>
const chunk = await stage<ChunkStage>('chunk', 'chunk')
const hash = await stage<HashStage>('hash', 'hash')
const inspect = await stage<InspectStage>('inspect', 'etcd')
const codecs = [await stage<CodecStage>('codec', 'compress'), await stage<CodecStage>('codec', 'seal')]
const records = codecs.map(({ package: name, version, settings }) => ({ stage: name, version, settings }))

const rows: (string | number)[][] = []
const plan = chunk.stage.plan(content.subarray(0, 65_536), chunk.settings as never)
const inspectPlan = inspect.stage.plan(content.subarray(0, 65_536), plan, new Uint8Array(32))!
const tagger = await hash.stage.open(hash.settings as never)
const tagKey = new Uint8Array(64).fill(7)
const segments = pieces(shared, segmentBytes)
const ends = segments.map((segment) => chunk.stage.cut(segment, plan))
const tags = ends.map((list) => new Uint8Array(list.length * 16))

await measure('digest (SHA-256 of the stream)', () => createHash('sha256').update(content).digest())
await measure('cut', () => segments.forEach((segment) => chunk.stage.cut(segment, plan)))
await measure('tag', () => segments.forEach((segment, n) => tagger.tags(segment, ends[n]!, tagKey, tags[n]!)))
await measure('inspect: look', () => segments.forEach((segment, n) => inspect.stage.look(segment, n * segmentBytes, inspectPlan)))
const looks = segments.map((segment, n) => inspect.stage.look(segment, n * segmentBytes, inspectPlan))
await measure('inspect: take and conclude', async () => {
  const collector = inspect.stage.collect(inspectPlan)
  looks.forEach((look, n) => collector.take(look, segments[n]!, n * segmentBytes))
  await collector.conclude()
})

const key = new Uint8Array(32).fill(3)
const context = {
  binding: new Uint8Array(64),
  deriveKey: (label: string, salt: Uint8Array) => new Uint8Array(createHash('sha256').update(key).update(label).update(salt).digest()),
}
const [compress, seal] = await Promise.all(codecs.map((codec) => codec.stage.open(codec.settings as never, context)))
const frames = pieces(content, frameBytes)
const shapes: FrameShape[] = frames.map(({ length }) => ({
  plainBytes: length,
  ends: chunk.stage.cut(new Uint8Array(length), plan),
  pageBytes: plan.pageBytes,
}))
let packed: Uint8Array[] = []
let sealed: Uint8Array[] = []
await measure('compress', async () => {
  packed = []
  for (const [n, frame] of frames.entries()) packed.push(await compress!.encode(frame, shapes[n]!))
})
await measure('decompress', async () => {
  for (const [n, frame] of packed.entries()) await compress!.decode(frame, shapes[n]!, shapes[n]!.plainBytes)
})
const packedBytes = packed.reduce((sum, frame) => sum + frame.length, 0)
await measure(
  'seal',
  async () => {
    sealed = []
    for (const [n, frame] of packed.entries()) sealed.push(await seal!.encode(frame, shapes[n]!))
  },
  packedBytes,
)
await measure(
  'open the seal',
  async () => {
    for (const [n, frame] of sealed.entries()) await seal!.decode(frame, shapes[n]!, packed[n]!.length)
  },
  packedBytes,
)

let made = 0
await measure(
  'pack, store, publish',
  async (repository) => {
    const writer = await repository!.begin({
      name: 'bench',
      member: '',
      chunking: plan.id,
      pageBytes: plan.pageBytes,
      codecs: records,
      tagAlgorithm: tagger.algorithm,
    })
    const allTags = Buffer.concat(tags)
    for (const [n, list] of ends.entries()) {
      const origins = Int32Array.from(list, (_, index) => ~Math.floor((n * segmentBytes + index * plan.pageBytes) / frameBytes))
      const lengths = list.map((end, index) => end - (index === 0 ? 0 : list[index - 1]!))
      writer.recipe({ tags: tags[n]!.slice(), lengths, origins })
    }
    for (const [n, bytes] of sealed.entries()) {
      const first = (n * frameBytes) / plan.pageBytes
      const count = shapes[n]!.ends.length
      const frame: EncodedFrame = {
        ordinal: n,
        bytes: bytes.slice(),
        digest: createHash('sha256').update(bytes).digest().subarray(0, 16),
        lengths: [frames[n]!.length, packed[n]!.length, bytes.length],
        tags: new Uint8Array(allTags.subarray(first * 16, (first + count) * 16)),
        ends: shapes[n]!.ends.slice(), // the writer's own from here on
      }
      await writer.frame(frame)
    }
    await writer.commit({
      bytes: content.length,
      digest: createHash('sha256').update('').digest(),
      chunks: allTags.length / 16,
      facts: {},
      tags: [],
      stages: [],
      statistics: {},
      time: new Date(),
    })
  },
  packedBytes,
  newRepository,
)

const workers = startWorkers()
await wholePipeline('whole pipeline, first', [hour1])
await wholePipeline('whole pipeline, unchanged', [hour1, hour1])
await wholePipeline('whole pipeline, an hour later', [hour0, hour1])
await workers.close()

console.log('## Stages\n')
console.log(
  `Each stage by itself on one thread, on the ${mebibytes(content.length)} MiB of one generated snapshot: segments of 2 MiB, frames of 4 MiB; the median of ${repeats} runs after one to warm up. ` +
    `MB/s of what goes in: all bytes, or for seal and store what zstd left of them. The last rows are the whole pipeline in one process that has run it before, ${workers.threads} worker threads.\n`,
)
console.log(table(['', 'MB in', 'MB/s', 'wall s', 'CPU s'], rows))
dropFolder(folder)

type OpenRepository = Awaited<ReturnType<typeof openRepository>>

async function measure(
  title: string,
  work: (repository?: OpenRepository) => unknown,
  bytes = content.length,
  prepare?: () => Promise<OpenRepository>,
): Promise<void> {
  const [walls, cpus]: [number[], number[]] = [[], []]
  for (let n = 0; n <= repeats; n++) {
    const repository = await prepare?.()
    const cpuBefore = process.cpuUsage()
    const began = performance.now()
    await work(repository)
    if (n === 0) continue
    walls.push((performance.now() - began) / 1000)
    const { user, system } = process.cpuUsage(cpuBefore)
    cpus.push((user + system) / 1e6)
  }
  rows.push([title, (bytes / 1e6).toFixed(1), (bytes / 1e6 / median(walls)).toFixed(0), median(walls).toFixed(4), median(cpus).toFixed(4)])
}

/** Backs up the files in order into a new repository; the last one is measured. */
async function wholePipeline(title: string, files: readonly string[]): Promise<void> {
  const last = files.at(-1)!
  const prepare = async () => {
    const repository = await newRepository()
    for (const file of files.slice(0, -1)) await backUp(repository, file)
    return repository
  }
  await measure(title, (repository) => backUp(repository!, last), content.length, prepare)
}

async function newRepository(): Promise<OpenRepository> {
  const path = join(folder, `repository-${made++}`)
  const storeStage = await stage<StoreStage>('store', 'store-fs', { path })
  const store = await storeStage.stage.open(storeStage.settings as never, { signal: new AbortController().signal })
  const secret = await createKeyFile(`${path}.key`)
  await initRepository({ store, keyFile: secret, recoveryPhrase: undefined, tagAlgorithm: tagger.algorithm })
  return openRepository({ store, secret, warn: () => {} })
}

async function backUp(repository: OpenRepository, path: string): Promise<void> {
  const { signal } = new AbortController()
  const source = await stage<SourceStage>('source', 'file', { path })
  const digest = streamDigest()
  const stream = await source.stage.open(source.settings as never, { signal, digestSoFar: () => digest.soFar(), warn: () => {} })
  let writer: Awaited<ReturnType<OpenRepository['begin']>> | undefined
  const report = await backup({
    stream,
    digest,
    chunk,
    hash,
    inspect,
    codecs,
    workers,
    signal,
    tagKey: repository.tagKey,
    async openSink({ id, pageBytes }) {
      writer = await repository.begin({
        name: 'bench',
        member: '',
        chunking: id,
        pageBytes,
        codecs: records,
        tagAlgorithm: tagger.algorithm,
      })
      return { sink: writer, known: writer.known, secrets: repository.secrets(records) }
    },
  })
  const { bytes, chunks, facts } = report
  await writer!.commit({ bytes, digest: report.digest, chunks, facts, tags: [], stages: records, statistics: {}, time: new Date() })
}

function pieces(bytes: Uint8Array, length: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, n) => bytes.subarray(n * length, (n + 1) * length))
}
