import { randomBytes } from 'node:crypto'
import t from 'tap'
import { KpipeError, type EncodedFrame, type Facts, type RecipeSegment } from '@kpipe/engine/contracts'
import { backup, type BackupOptions, startWorkers, streamDigest, type Workers } from '../../src/index.ts'
import { countStage, lineStage, pageStage, shaStage, xorStage } from '../stages/loaded.ts'
import { slowMs } from '../stages/xor.ts'
import { MemorySink, secrets, sha256, tagKey } from '../stages/memory-sink.ts'
import { memorySource } from '../stages/memory-source.ts'

const pageBytes = 4096
const workersOf = new Map<number, Workers>()
function workers(threads: number): Workers {
  if (!workersOf.has(threads)) workersOf.set(threads, startWorkers({ threads }))
  return workersOf.get(threads)!
}
t.after(async () => {
  for (const started of workersOf.values()) await started.close()
})

async function run(bytes: Uint8Array, sink: MemorySink, options: Partial<BackupOptions> & { parent?: MemorySink; threads?: number } = {}) {
  const { stream } = memorySource(bytes)
  return await backup({
    stream,
    digest: streamDigest(),
    chunk: pageStage(pageBytes),
    hash: shaStage,
    inspect: undefined,
    codecs: [xorStage()],
    workers: workers(options.threads ?? 2),
    signal: new AbortController().signal,
    tagKey,
    openSink: async (plan) => ({ sink, known: options.parent?.known(plan.id), secrets }),
    limits: { segmentBytes: 65_536, frameBytes: 131_072 },
    ...options,
  })
}

/** Puts the stream together from the sink's frames alone. */
function rebuilt(sink: MemorySink): Buffer {
  const places = sink.frames.map((frame) => ({ frame, next: 0 }))
  const parts: Uint8Array[] = []
  for (const segment of sink.segments) {
    segment.origins.forEach((origin) => {
      const place = places[~origin]!
      const start = place.next === 0 ? 0 : place.frame.ends[place.next - 1]!
      parts.push(place.frame.bytes.subarray(start, place.frame.ends[place.next++]))
    })
  }
  return Buffer.from(Buffer.concat(parts).map((byte) => byte ^ 0x5a))
}

t.test('a first backup hands over every chunk once, in order', async (t) => {
  for (const threads of [1, 2, 3]) {
    const bytes = randomBytes(1_000_000 + 32)
    const sink = new MemorySink()
    const report = await run(bytes, sink, { threads })
    t.equal(report.bytes, bytes.length)
    t.equal(report.chunks, Math.ceil(bytes.length / pageBytes))
    t.equal(report.chunksFresh, report.chunks)
    t.equal(report.bytesFresh, bytes.length)
    t.same(Buffer.from(report.digest), Buffer.from(sha256(bytes)))
    t.ok(rebuilt(sink).equals(bytes), `with ${threads} threads`)
    t.equal(report.bytesEncoded, bytes.length)
    t.same(report.facts, { origin: 'memory', trailer_verified: false })
  }
})

t.test('a later backup stores the changed pages alone, gathered over segments into full frames', async (t) => {
  const bytes = randomBytes(4_000_000)
  const parent = new MemorySink()
  await run(bytes, parent)
  const changed = Buffer.from(bytes)
  for (let page = 0; page < bytes.length / pageBytes; page += 10) changed[page * pageBytes] ^= 1
  const sink = new MemorySink()
  const report = await run(changed, sink, { parent })
  t.equal(report.chunksFresh, Math.ceil(bytes.length / pageBytes / 10))
  t.equal(
    sink.frames.slice(0, -1).every((frame) => frame.lengths[0] === 131_072),
    true,
    'all frames but the last are full',
  )
  t.equal(
    sink.segments.flatMap((segment) => Array.from(segment.origins)).filter((origin, index) => origin >= 0 && origin !== index).length,
    0,
  )
})

t.test('nothing fresh makes no frame', async (t) => {
  const bytes = randomBytes(300_000)
  const parent = new MemorySink()
  await run(bytes, parent)
  const sink = new MemorySink()
  const report = await run(bytes, sink, { parent })
  t.equal(report.chunksFresh, 0)
  t.equal(sink.frames.length, 0)
})

t.test('streams of 0 bytes, 1 byte, exactly one segment and one byte more go through', async (t) => {
  for (const length of [0, 1, 65_536, 65_537, 131_072]) {
    const bytes = randomBytes(length)
    const sink = new MemorySink()
    const report = await run(bytes, sink)
    t.equal(report.bytes, length)
    t.ok(rebuilt(sink).equals(bytes), `${length} bytes`)
  }
})

t.test('a chunk that is lost in the parent is stored again', async (t) => {
  const bytes = randomBytes(200_000)
  const parent = new MemorySink()
  await run(bytes, parent)
  const sink = new MemorySink()
  const report = await run(bytes, sink, {
    openSink: async (plan) => {
      const known = parent.known(plan.id)
      new Uint8Array(known.tags, 16 * 5, 16).fill(0)
      return { sink, known, secrets }
    },
  })
  t.equal(report.chunksFresh, 1)
})

t.test('content-defined chunks are found wherever they stand, and repeats in one stream are stored once', async (t) => {
  const line = (number: number) => `line ${number} ${'x'.repeat(number % 90)}\n`
  const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, index) => line(index)).join(''))
  const parent = new MemorySink()
  const first = await run(bytes, parent, { chunk: lineStage })
  t.equal(first.chunksFresh, 20_000)
  const moved = Buffer.concat([Buffer.from('a new first line\n'), bytes, Buffer.from('a new first line\n')])
  const sink = new MemorySink()
  const report = await run(moved, sink, { chunk: lineStage, parent })
  t.equal(report.chunks, 20_002)
  t.equal(report.chunksFresh, 1)
})

t.test('a slow store with one per cent fresh and one thread holds few frames at once', async (t) => {
  const bytes = randomBytes(3_000_000)
  const sink = new MemorySink(undefined, 5)
  const report = await run(bytes, sink, { threads: 1 })
  t.equal(report.bytes, bytes.length)
  t.equal(sink.mostFramesAtOnce, 1)
  t.ok(rebuilt(sink).equals(bytes))
})

t.test('the inspector sees every segment once and in order, and its facts are reported', async (t) => {
  const bytes = Buffer.concat([Buffer.alloc(100_000), randomBytes(100_000).map((byte) => byte | 1)])
  const report = await run(bytes, new MemorySink(), { inspect: countStage })
  t.same(report.facts, { origin: 'memory', trailer_verified: false, zeros: 100_000, inOrder: true, inspected: 200_000 })
  const other = await run(Buffer.alloc(10, 0xff), new MemorySink(), { inspect: countStage })
  t.same(other.facts, { origin: 'memory', trailer_verified: false }, 'an inspector that has nothing to say is left out')
})

t.test('an error of a stage in a worker arrives with its code, or with the name of the stage', async (t) => {
  const bytes = randomBytes(300_000)
  await t.rejects(run(bytes, new MemorySink(), { codecs: [xorStage('plain')] }), {
    code: 'KPIPE_STAGE_FAILED',
    message: 'stage ./xor.ts failed: no more masks',
  })
  await t.rejects(run(bytes, new MemorySink(), { codecs: [xorStage('kpipe')] }), {
    code: 'KPIPE_STORE_FULL',
    details: { left: 0 },
    exitCode: 75,
  })
})

t.test('the source is closed once, also when something fails', async (t) => {
  const { stream, state } = memorySource(randomBytes(300_000))
  await run(new Uint8Array(0), new MemorySink(), { stream })
  t.equal(state.closed, 1)
  const failing = memorySource(randomBytes(300_000))
  await t.rejects(run(new Uint8Array(0), new MemorySink(), { stream: failing.stream, codecs: [xorStage('plain')] }))
  t.equal(failing.state.closed, 1)
})

t.test('a source confirms with all that is known, while the last frames are stored, and is closed after that', async (t) => {
  const { stream, state } = memorySource(randomBytes(300_000))
  let asked: Facts | undefined
  let framesBefore = -1
  const sink = new MemorySink()
  const { promise: confirmed, resolve } = Promise.withResolvers<void>()
  const slow = {
    recipe: (segment: RecipeSegment) => sink.recipe(segment),
    async frame(frame: EncodedFrame) {
      await confirmed
      await sink.frame(frame)
    },
  }
  const confirm = async (facts: Facts) => {
    asked = facts
    framesBefore = sink.frames.length
    t.equal(state.closed, 0)
    resolve()
    return { evidence: 'agreed' }
  }
  const report = await run(new Uint8Array(0), sink, {
    stream: { ...stream, confirm },
    inspect: countStage,
    openSink: async () => ({ sink: slow, known: undefined, secrets }),
    limits: { segmentBytes: 65_536, frameBytes: 1 << 20 },
  })
  t.equal(framesBefore, 0)
  t.ok(sink.frames.length > 0)
  t.equal(state.closed, 1)
  t.match(asked, { origin: 'memory', trailer_verified: false })
  t.ok(Object.keys(asked!).length > 2, 'the facts of the inspector are among them')
  t.same(report.facts, { ...asked, evidence: 'agreed' })
})

t.test('a source that does not confirm ends the run, and is closed', async (t) => {
  const { stream, state } = memorySource(randomBytes(300_000))
  const confirm = async () => {
    throw new KpipeError('KPIPE_EVIDENCE_MISSING', 'nobody confirms')
  }
  await t.rejects(run(new Uint8Array(0), new MemorySink(), { stream: { ...stream, confirm } }), {
    code: 'KPIPE_EVIDENCE_MISSING',
    exitCode: 75,
  })
  t.equal(state.closed, 1)
  const controller = new AbortController()
  const hanging = memorySource(randomBytes(300_000))
  const never = () => (controller.abort(), new Promise<never>(() => {}))
  const stopped = run(new Uint8Array(0), new MemorySink(), { stream: { ...hanging.stream, confirm: never }, signal: controller.signal })
  await t.rejects(stopped, { code: 'KPIPE_INTERRUPTED' })
  t.equal(hanging.state.closed, 1)
})

t.test('a source that sends another number of bytes than it announced is refused', async (t) => {
  const { stream } = memorySource(randomBytes(1000), { announce: 1001 })
  await t.rejects(run(new Uint8Array(0), new MemorySink(), { stream }), {
    code: 'KPIPE_SIZE_MISMATCH',
    details: { expected: 1001, seen: 1000 },
  })
})

t.test('a store that hangs lets the source go', async (t) => {
  const { stream, state } = memorySource(randomBytes(2_000_000))
  let hung = 0
  const sink = { recipe() {}, frame: () => new Promise<void>(() => void hung++) }
  const stalled = run(new Uint8Array(0), new MemorySink(), {
    stream,
    tagKey,
    openSink: async () => ({ sink, known: undefined, secrets }),
    limits: { segmentBytes: 65_536, frameBytes: 65_536, stallTimeoutMs: 100 },
  })
  await t.rejects(stalled, { code: 'KPIPE_STORE_STALLED' })
  t.equal(hung, 1, 'the fault fired')
  t.equal(state.closed, 1)
  t.ok(state.readTo < 2_000_000, 'reading stopped')
})

t.test('a stage that takes longer than the store may is not taken for the store', async (t) => {
  const bytes = randomBytes(200_000)
  const sink = new MemorySink()
  const limits = { segmentBytes: 65_536, frameBytes: 131_072, stallTimeoutMs: slowMs / 3 }
  const { seconds } = await run(bytes, sink, { codecs: [xorStage('slow')], limits })
  t.ok(
    Object.values(seconds).some((spent) => spent * 1000 > limits.stallTimeoutMs),
    'it is slow',
  )
  t.ok(rebuilt(sink).equals(bytes))
})

t.test('a source that is held too long is let go', async (t) => {
  let waited = 0
  const { stream, state } = memorySource(randomBytes(10_000), { afterPieces: () => new Promise<void>(() => void waited++) })
  await t.rejects(run(new Uint8Array(0), new MemorySink(), { stream, limits: { maxHoldMs: 100 } }), { code: 'KPIPE_HELD_TOO_LONG' })
  t.equal(waited, 1, 'the fault fired')
  t.equal(state.closed, 1)
})

t.test('a signal ends the run', async (t) => {
  const controller = new AbortController()
  const { stream, state } = memorySource(randomBytes(10_000), {
    afterPieces: () => {
      controller.abort()
      return new Promise<void>(() => {})
    },
  })
  await t.rejects(run(new Uint8Array(0), new MemorySink(), { stream, signal: controller.signal }), {
    code: 'KPIPE_INTERRUPTED',
    exitCode: 130,
  })
  t.equal(state.closed, 1)
})

t.test('bytes so far can be hashed by the source while it reads', async (t) => {
  const bytes = randomBytes(500_000)
  const digest = streamDigest()
  let seen: Uint8Array | undefined
  const { stream } = memorySource(bytes, {
    afterPieces: async () => {
      seen = await digest.soFar()
    },
  })
  await run(new Uint8Array(0), new MemorySink(), { stream, digest })
  t.same(Buffer.from(seen!), Buffer.from(sha256(bytes)))
})
