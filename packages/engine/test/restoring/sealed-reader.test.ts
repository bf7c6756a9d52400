import { randomBytes } from 'node:crypto'
import t from 'tap'
import { backup, type SealedStream, sealedReader, startWorkers, streamDigest } from '../../src/index.ts'
import { lineStage, pageStage, shaStage, xorStage } from '../stages/loaded.ts'
import { MemorySink, secrets, sha256, tagKey } from '../stages/memory-sink.ts'
import { memorySource } from '../stages/memory-source.ts'

const workers = startWorkers({ threads: 2 })
t.after(() => workers.close())

async function sealed(bytes: Uint8Array, chunk = pageStage(4096), pageBytes = 4096): Promise<SealedStream> {
  const sink = new MemorySink()
  await backup({
    stream: memorySource(bytes).stream,
    digest: streamDigest(),
    chunk,
    hash: shaStage,
    inspect: undefined,
    codecs: [xorStage()],
    workers,
    signal: new AbortController().signal,
    tagKey,
    openSink: async () => ({ sink, known: undefined, secrets }),
    limits: { segmentBytes: 65_536, frameBytes: 65_536 },
  })
  return sink.sealed(sha256(bytes), pageBytes)
}

function reader(stream: SealedStream, cacheBytes?: number) {
  let loads = 0
  const counted = { ...stream, load: (frame: number) => (loads++, stream.load(frame)) }
  const opened = sealedReader({
    stream: counted,
    hash: shaStage,
    codec: async () => xorStage(),
    workers,
    ...(cacheBytes && { cacheBytes }),
  })
  return { opened, loads: () => loads }
}

t.test('any range of a sealed stream is read, over chunk and frame borders and to its end', async (t) => {
  const bytes = randomBytes(500_032)
  for (const stream of [await sealed(bytes), await sealed(bytes, lineStage, 0)]) {
    const { opened } = reader(stream)
    t.equal(opened.bytes, bytes.length)
    for (const [position, length] of [
      [0, 1],
      [0, 4096],
      [4095, 2],
      [65_530, 20],
      [100_000, 300_000],
      [500_000, 32],
      [500_000, 999],
      [500_032, 5],
    ] as const) {
      t.ok(bytes.subarray(position, position + length).equals(await opened.read(position, length)), `${length} from ${position}`)
    }
  }
})

t.test('a frame is decoded once while it is in the cache, and the cache is bounded', async (t) => {
  const bytes = randomBytes(655_360)
  const stream = await sealed(bytes)
  const roomy = reader(stream)
  for (let round = 0; round < 3; round++) for (let page = 0; page < 160; page++) await roomy.opened.read(page * 4096, 4096)
  t.equal(roomy.loads(), 10)
  const tight = reader(stream, 131_072)
  for (let round = 0; round < 3; round++) for (let page = 0; page < 160; page++) await tight.opened.read(page * 4096, 4096)
  t.equal(tight.loads(), 30)
})

t.test('a damaged frame is told each time it is asked for', async (t) => {
  const stream = await sealed(randomBytes(100_000))
  const damaged = { ...stream, tags: stream.tags.map((byte, index) => (index === 3 ? byte ^ 1 : byte)) }
  const { opened } = reader(damaged)
  await t.rejects(opened.read(0, 10), { code: 'KPIPE_DAMAGED' })
  await t.rejects(opened.read(0, 10), { code: 'KPIPE_DAMAGED' })
})
