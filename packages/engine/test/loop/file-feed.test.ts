import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { KpipeError, type SourceFile } from '@kpipe/engine/contracts'
import { backup, startWorkers, streamDigest } from '../../src/index.ts'
import { FileFeed } from '../../src/loop/file-feed.ts'
import { lineStage, pageStage, shaStage, xorStage } from '../stages/loaded.ts'
import { MemorySink, secrets, sha256, tagKey } from '../stages/memory-sink.ts'
import { memorySource } from '../stages/memory-source.ts'

const workers = startWorkers({ threads: 2 })
t.after(() => workers.close())

const segmentBytes = 65_536
const folder = t.testdir({})
let files = 0

interface InFile {
  readonly bytes: Uint8Array
  /** What is in the file, when it is something else. */
  readonly inFile?: Uint8Array
  readonly chunk?: ReturnType<typeof pageStage>
  readonly trailerBytes?: number
  readonly unreadable?: boolean
}

/** Backs up a stream that lies in a file. */
function backupOf({ bytes, inFile = bytes, chunk = pageStage(4096), trailerBytes, unreadable }: InFile) {
  const path = `${folder}/${files++}`
  writeFileSync(path, inFile)
  const fd = openSync(path, unreadable ? 'a' : 'r')
  t.after(() => closeSync(fd))
  const digest = streamDigest()
  const verified: { readonly trailer: Buffer; readonly before: Buffer }[] = []
  const failures: { readonly position: number; readonly code: string | undefined }[] = []
  const file: SourceFile = {
    fd,
    failed(position, error) {
      failures.push({ position, code: (error as NodeJS.ErrnoException | undefined)?.code })
      return new KpipeError('KPIPE_SIZE_MISMATCH', 'as the source says')
    },
    trailer:
      trailerBytes === undefined
        ? undefined
        : {
            position: bytes.length - trailerBytes,
            verify: async (trailer) => void verified.push({ trailer: Buffer.from(trailer), before: Buffer.from(await digest.soFar()) }),
          },
  }
  const { stream, state } = memorySource(bytes, { file })
  const sink = new MemorySink()
  const report = backup({
    stream,
    digest,
    chunk,
    hash: shaStage,
    inspect: undefined,
    codecs: [xorStage()],
    workers,
    signal: new AbortController().signal,
    tagKey,
    openSink: async () => ({ sink, known: undefined, secrets }),
    limits: { segmentBytes, frameBytes: 131_072 },
  })
  return { report, sink, state, verified, failures }
}

function stored(sink: MemorySink): Buffer {
  return Buffer.from(Buffer.concat(sink.frames.map(({ bytes }) => bytes)).map((byte) => byte ^ 0x5a))
}

t.test('the threads read streams of any length from their file', async (t) => {
  for (const length of [0, 1, 4095, segmentBytes - 1, segmentBytes, segmentBytes + 1, 40 * segmentBytes, 1_000_000]) {
    const bytes = randomBytes(length)
    const { report, sink, state } = backupOf({ bytes })
    const { bytes: read, digest, seconds } = await report
    t.equal(read, length)
    t.same(Buffer.from(digest), Buffer.from(sha256(bytes)))
    t.ok(stored(sink).equals(bytes), `${length} bytes`)
    t.equal(state.readTo, 0, 'the source is not asked for pieces')
    t.equal(state.closed, 1)
    t.equal(length === 0 || seconds['read']! > 0, true)
  }
})

t.test('what follows the stream in its file is not read', async (t) => {
  const bytes = randomBytes(100_000)
  const { report, sink } = backupOf({ bytes, inFile: Buffer.concat([bytes, randomBytes(50_000)]) })
  t.equal((await report).bytes, 100_000)
  t.ok(stored(sink).equals(bytes))
})

t.test('pages longer than a segment make segments of one page', async (t) => {
  const bytes = randomBytes(500_000)
  const { report, sink } = backupOf({ bytes, chunk: pageStage(131_072) })
  t.equal((await report).chunks, 4)
  t.ok(stored(sink).equals(bytes))
})

t.test('a trailer is verified once, whole, beside the digest of what stands before it', async (t) => {
  // In the last segment; over the end of a segment; all of the stream; longer than a segment.
  for (const [length, trailerBytes] of [
    [200_032, 32],
    [segmentBytes + 10, 32],
    [32, 32],
    [3 * segmentBytes, segmentBytes + 5],
  ] as const) {
    const bytes = randomBytes(length)
    const { report, verified } = backupOf({ bytes, trailerBytes })
    t.same(Buffer.from((await report).digest), Buffer.from(sha256(bytes)))
    t.equal(verified.length, 1)
    t.ok(verified[0]!.trailer.equals(bytes.subarray(length - trailerBytes)), `${trailerBytes} of ${length} bytes`)
    t.same(verified[0]!.before, Buffer.from(sha256(bytes.subarray(0, length - trailerBytes))))
  }
})

t.test('the source says what it means that its file ends, or cannot be read', async (t) => {
  for (const inFile of [0, 100, segmentBytes, 199_999]) {
    const bytes = randomBytes(200_000)
    const { report, failures, state } = backupOf({ bytes, inFile: bytes.subarray(0, inFile) })
    await t.rejects(report, { code: 'KPIPE_SIZE_MISMATCH', message: 'as the source says' })
    t.same(failures, [{ position: inFile, code: undefined }])
    t.equal(state.closed, 1)
  }
  const { report, failures } = backupOf({ bytes: randomBytes(200_000), unreadable: true })
  await t.rejects(report, { message: 'as the source says' })
  t.same(failures, [{ position: 0, code: 'EBADF' }])
})

t.test('an error of a thread that has begun to read is told with its place', (t) => {
  const feed = new FileFeed(
    { fd: 0, failed: (position, error) => new Error(`${position} ${error?.message}`) },
    100,
    50,
    streamDigest(),
    () => {},
  )
  const sent = new KpipeError('KPIPE_SOURCE_DIED', 'EIO: i/o error, read', { position: 70, name: 'EIO', errno: -5 })
  t.same(feed.failure(sent), new Error('70 EIO: i/o error, read'))
  const other = new KpipeError('KPIPE_STAGE_FAILED', 'of a stage')
  t.equal(feed.failure(other), other)
  t.end()
})

t.test('chunks that are cut by content come in pieces: anchors are looked for on the main thread', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join(''))
  const { report, sink, state } = backupOf({ bytes, chunk: lineStage })
  t.equal((await report).chunks, 20_000)
  t.ok(stored(sink).equals(bytes))
  t.equal(state.readTo, bytes.length)
})

t.test('threads that wait for the disk more than they work make a slow source', async (t) => {
  const feed = new FileFeed({ fd: 0, failed: () => new Error('unused') }, 1000, 100, streamDigest(), () => {})
  const passed = (read: number) => feed.passed(feed.take(), { read, tag: 0.05, cut: 0.01 })
  await passed(0.1)
  t.equal(feed.isSlow, false, 'the first of it may be anything')
  await passed(0.3)
  t.equal(feed.isSlow, true)
  t.equal(await feed.ready(), true)
})
