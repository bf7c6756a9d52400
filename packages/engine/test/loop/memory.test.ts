import { randomBytes } from 'node:crypto'
import t from 'tap'
import type { KnownChunks, StreamMemory } from '@kpipe/engine/contracts'
import { backup, startWorkers, streamDigest } from '../../src/index.ts'
import { countStage, pageStage, shaStage, xorStage } from '../stages/loaded.ts'
import { MemorySink, secrets, tagKey } from '../stages/memory-sink.ts'
import { memorySource } from '../stages/memory-source.ts'

const pageBytes = 4096
const workers = startWorkers({ threads: 2 })
t.after(() => workers.close())

interface Remembered extends StreamMemory {
  readonly records: Uint8Array[]
  readonly asked: number[]
}

function memoryOf(earlier: readonly Uint8Array[] = []): Remembered {
  const records: Uint8Array[] = []
  const asked: number[] = []
  return {
    records,
    asked,
    async recall(segment) {
      asked.push(segment)
      return earlier[segment]
    },
    remember: (record) => void records.push(record.slice()),
  }
}

async function run(bytes: Uint8Array, known?: KnownChunks, memory?: StreamMemory) {
  const sink = new MemorySink()
  const report = await backup({
    stream: memorySource(bytes).stream,
    digest: streamDigest(),
    chunk: pageStage(pageBytes),
    hash: shaStage,
    inspect: countStage,
    codecs: [xorStage()],
    workers,
    signal: new AbortController().signal,
    tagKey,
    openSink: async () => ({ sink, known, secrets, memory }),
    limits: { segmentBytes: 65_536, frameBytes: 131_072 },
  })
  return { sink, report }
}

/** Segments that are cut before the memory is there. */
const early = 4
const segmentPages = 65_536 / pageBytes
const pages = 300
const before = randomBytes(pages * pageBytes + 32)
const first = await run(before, undefined, memoryOf())
const plan = `page/${pageBytes}`

function changed(which: (page: number) => boolean): Buffer {
  const after = Buffer.from(before)
  for (let page = 0; page < pages; page++) if (which(page)) after[page * pageBytes + (page % pageBytes)]! ^= 1
  return after
}

t.test('a memory changes nothing of what is stored', async (t) => {
  const memory = memoryOf()
  await run(before, undefined, memory)
  t.equal(memory.records.length, Math.ceil(before.length / 65_536), 'a record for each segment')
  const after = changed((page) => page % 7 === 3)
  const without = await run(after, first.sink.known(plan))
  const next = memoryOf(memory.records)
  const withMemory = await run(after, first.sink.known(plan), next)
  t.same(withMemory.sink.segments, without.sink.segments)
  t.same(withMemory.sink.frames, without.sink.frames)
  t.same({ ...withMemory.report, seconds: 0 }, { ...without.report, seconds: 0, chunksRemembered: withMemory.report.chunksRemembered })
  t.equal(without.report.chunksRemembered, 0)
  t.equal(withMemory.report.chunksFresh, 43)
  const complete = memoryOf()
  await run(after, undefined, complete)
  t.same(next.records, complete.records, 'what is remembered of it does not depend on what was remembered before')
  t.same(
    next.asked,
    Array.from(Array(memory.records.length - early).keys(), (segment) => segment + early),
  )
})

t.test("tags of pages that are the same are the parent's, and are not made again", async (t) => {
  const memory = memoryOf()
  await run(before, undefined, memory)
  const known = first.sink.known(plan)
  const marked = new Uint8Array(known.tags)
  for (let chunk = 0; chunk < known.count; chunk++) marked[chunk * 16]! ^= 0xff
  const { sink, report } = await run(
    changed((page) => page % 5 === 0),
    known,
    memoryOf(memory.records),
  )
  const tags = sink.tags
  const numbers = Array.from(Array(pages).keys())
  const taken = numbers.filter((page) => Buffer.compare(tags.subarray(16 * page, 16 * page + 16), marked.subarray(16 * page, 16 * page + 16)) === 0) // prettier-ignore
  const same = numbers.filter((page) => page % 5 !== 0 && page >= early * segmentPages)
  t.same(taken, same)
  t.equal(report.chunksRemembered, same.length)
  t.equal(report.chunksFresh, pages + 1 - same.length, 'to the others, the parent has other tags here')
})

t.test('a page that the parent has lost is tagged and stored again', async (t) => {
  const memory = memoryOf()
  await run(before, undefined, memory)
  const known = first.sink.known(plan)
  const lost = [100, 101, 102, 250, 299]
  for (const page of lost) new Uint8Array(known.tags).fill(0, page * 16, page * 16 + 16)
  const { sink, report } = await run(before, known, memoryOf(memory.records))
  t.equal(report.chunksFresh, lost.length)
  t.same(sink.tags, first.sink.tags)
})

t.test('what was remembered of another place, of other lengths, or is no record is not taken', async (t) => {
  const memory = memoryOf()
  await run(before, undefined, memory)
  const after = changed((page) => page % 9 === 1)
  const { sink } = await run(after, first.sink.known(plan))
  const { records } = memory
  const others: Readonly<Record<string, readonly Uint8Array[]>> = {
    'in reverse': records.toReversed(),
    cut: records.map((record) => record.slice(0, -1)),
    empty: records.map(() => new Uint8Array(0)),
    noise: records.map((record) => randomBytes(record.length)),
    'one short': records.slice(0, -3),
    'of pages that the parent has not': [...records, ...records],
  }
  for (const [title, earlier] of Object.entries(others)) {
    const seen = await run(after, first.sink.known(plan), memoryOf(earlier))
    t.same(seen.sink.segments, sink.segments, title)
  }
})

t.test('a stream that has grown beyond the parent', async (t) => {
  const memory = memoryOf()
  await run(before, undefined, memory)
  const longer = Buffer.concat([before.subarray(0, -32), randomBytes(200 * pageBytes), before.subarray(-32)])
  const without = await run(longer, first.sink.known(plan))
  const seen = await run(longer, first.sink.known(plan), memoryOf(memory.records))
  t.same(seen.sink.segments, without.sink.segments)
  t.equal(seen.report.chunksFresh, 201)
})
