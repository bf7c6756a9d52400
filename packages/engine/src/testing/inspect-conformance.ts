import { isDeepStrictEqual } from 'node:util'
import type { ChunkPlan, EarlierLook, Facts, InspectPlan, InspectStage } from '../contracts/index.ts'
import { type ConformanceCase, demand, demandSameBytes } from './conformance-case.ts'
import { demandPlain, descriptionCases } from './description.ts'
import { noise, shared } from './sample-bytes.ts'

export interface InspectConformanceOptions {
  /** A stream that the stage can say something about. */
  readonly stream: Uint8Array
  readonly chunking: ChunkPlan
  /** What it says, when that is known. */
  readonly facts?: Facts
  readonly segmentBytes?: readonly number[]
}

const headBytes = 64 * 1024
const secret = noise(32, 3)
const longest = 2 * 1024 * 1024
/** How many ways of cutting are tried: a page or a run of them that crosses two borders is rare. */
const variations = 40
/** Lengths of segments, in chunks, and of how many chunks one is another in the earlier stream. */
const chunksOfSegments = [1, 16, 500]
const rarities = [1, 3, 30, Infinity]

/** The promises of an inspector. */
export function inspectConformance(stage: InspectStage, options: InspectConformanceOptions): ConformanceCase[] {
  const { stream, chunking, facts } = options
  const segmentBytes = options.segmentBytes ?? [headBytes, 100_003, 2 * 1024 * 1024]
  const plan = (): InspectPlan => {
    const made = stage.plan(stream.slice(0, headBytes), chunking, secret)
    demand(made !== undefined, 'it has nothing to say about the stream of the test')
    return made
  }
  const cases: ConformanceCase[] = [
    {
      title: 'a plan is plain data',
      run: async () => demandPlain(plan(), 'the plan'),
    },
    {
      title: 'a stream of any kind is planned for, or left alone',
      async run() {
        for (const head of [new Uint8Array(0), Uint8Array.of(1), noise(headBytes), new Uint8Array(headBytes)]) {
          const made = stage.plan(head, chunking, secret)
          if (made !== undefined) demandPlain(made, `the plan for a head of ${head.length} bytes`)
        }
      },
    },
    {
      title: 'a look is a function of its arguments, on any thread',
      async run() {
        const made = plan()
        const bytes = stream.slice(0, 2 * headBytes)
        const first = Uint8Array.from(stage.look(bytes, 0, made))
        stage.look(noise(headBytes), 10 * headBytes, made)
        demandSameBytes(stage.look(bytes, 0, made), first, 'a second look at the same segment')
        const copy = shared(bytes)
        demandSameBytes(stage.look(copy, 0, structuredClone(made)), first, 'a look at shared memory')
        demandSameBytes(copy, bytes, 'the segment that was looked at')
      },
    },
    {
      title: 'facts are the same whatever the length of a segment, though its memory is used again',
      async run() {
        const whole = await factsOf(stage, plan(), stream, () => stream.length)
        demandPlain(whole, 'what it says')
        if (facts !== undefined)
          demand(isDeepStrictEqual(whole, facts), `it says ${JSON.stringify(whole)} instead of ${JSON.stringify(facts)}`)
        for (const length of segmentBytes) {
          const seen = await factsOf(stage, plan(), stream, () => length)
          demand(
            isDeepStrictEqual(seen, whole),
            `in segments of ${length} bytes it says ${JSON.stringify(seen)} instead of ${JSON.stringify(whole)}`,
          )
        }
      },
    },
    {
      title: 'facts are the same when each segment has another length, as chunks make them that are cut by content',
      async run() {
        const whole = await factsOf(stage, plan(), stream, () => stream.length)
        for (let seed = 1; seed <= variations; seed++) {
          const lengths = new Uint32Array(noise(4000, seed).buffer)
          // Mostly long ones, and now and then one of a few bytes.
          const length = (index: number) => 1 + (lengths[index % 1000] % (index % 5 === seed % 5 ? 100 : longest))
          const seen = await factsOf(stage, plan(), stream, length)
          demand(
            isDeepStrictEqual(seen, whole),
            `in segments of lengths that vary it says ${JSON.stringify(seen)} instead of ${JSON.stringify(whole)}`,
          )
        }
      },
    },
    {
      title: 'streams that are read at once do not mix',
      async run() {
        const made = plan()
        const alone = await factsOf(stage, made, stream, () => headBytes)
        const [one, other] = [stage.collect(made), stage.collect(made)]
        for (const [position, segment] of segmentsOf(stream, () => headBytes)) {
          for (const collector of [one, other]) {
            collector.take(structuredClone(stage.look(segment, position, made)), segment, position)
          }
        }
        const both = [await one.conclude(), await other.conclude()]
        demand(isDeepStrictEqual(both, [alone, alone]), 'of two streams that are read at once it says something else')
      },
    },
    {
      title: 'an earlier look changes nothing of what is said',
      async run() {
        const { pageBytes } = chunking
        if (pageBytes === 0) return
        const made = plan()
        const whole = await factsOf(stage, made, stream, () => stream.length)
        const demandSame = async (chunks: number, rarity: number, isChain: boolean) => {
          const earlierOf = earlierLooks(stage, made, changed(stream, pageBytes, rarity), pageBytes, isChain)
          const seen = await factsOf(stage, made, stream, () => chunks * pageBytes, earlierOf)
          demand(
            isDeepStrictEqual(seen, whole),
            `with looks at an earlier stream, ${chunks} chunks each, it says ${JSON.stringify(seen)} instead of ${JSON.stringify(whole)}`,
          )
        }
        for (const chunks of chunksOfSegments) {
          for (const rarity of rarities) {
            await demandSame(chunks, rarity, false)
            await demandSame(chunks, rarity, true)
          }
        }
      },
    },
  ]
  return [...descriptionCases(stage, 'inspect'), ...cases]
}

async function factsOf(
  stage: InspectStage,
  plan: InspectPlan,
  stream: Uint8Array,
  lengthOf: (index: number) => number,
  earlierOf?: (segment: Uint8Array, position: number) => EarlierLook,
): Promise<Facts> {
  const collector = stage.collect(plan)
  for (const [position, segment] of segmentsOf(stream, lengthOf)) {
    const look = structuredClone(stage.look(segment, position, plan, earlierOf?.(segment, position)))
    collector.take(look, segment, position)
    look.fill(0xff)
  }
  return collector.conclude()
}

/** Looks at `before`, each made alone; or, as a chain, with one at the later segment that was made with one. */
function earlierLooks(stage: InspectStage, plan: InspectPlan, before: Uint8Array, chunkBytes: number, isChain: boolean) {
  return (segment: Uint8Array, position: number): EarlierLook => {
    const then = before.slice(position, position + segment.length)
    const same = sameChunks(then, segment, chunkBytes)
    const first = structuredClone(stage.look(then, position, plan))
    if (!isChain) return { look: first, same }
    const second = structuredClone(stage.look(segment, position, plan, { look: first, same }))
    return { look: structuredClone(stage.look(then, position, plan, { look: second, same })), same }
  }
}

/** A stream of which about one chunk of `rarity` is another: some wholly, some in one byte. */
function changed(stream: Uint8Array, chunkBytes: number, rarity: number): Uint8Array {
  const bytes = new Uint8Array(stream)
  const dice = new Uint32Array(noise(4 * Math.ceil(stream.length / chunkBytes), 5).buffer)
  for (let chunk = 0, start = 0; start < bytes.length; chunk++, start += chunkBytes) {
    if (dice[chunk] % rarity >= 1) continue
    const length = Math.min(chunkBytes, bytes.length - start)
    if (dice[chunk] & 64) bytes[start + (dice[chunk] % length)] ^= 1
    else bytes.set(noise(length, chunk + 1), start)
  }
  return bytes
}

function sameChunks(one: Uint8Array, other: Uint8Array, chunkBytes: number): Uint8Array {
  const same = new Uint8Array(Math.ceil(one.length / chunkBytes))
  for (let chunk = 0, start = 0; chunk < same.length; chunk++, start += chunkBytes) {
    const [before, now] = [one, other].map((bytes) => bytes.subarray(start, start + chunkBytes))
    same[chunk] = Number(Buffer.compare(before!, now!) === 0)
  }
  return same
}

/** Never the same twice in a row, so that what a stage keeps of reused memory shows. */
let garbage = 0

/** All segments, one after the other in the same shared memory. */
function* segmentsOf(stream: Uint8Array, lengthOf: (index: number) => number): Generator<[number, Uint8Array]> {
  let slot: Uint8Array = new Uint8Array(0)
  for (let position = 0, index = 0; position < stream.length; index++) {
    const length = Math.min(lengthOf(index), stream.length - position)
    if (slot.length < length) slot = new Uint8Array(new SharedArrayBuffer(length))
    const segment = slot.subarray(0, length)
    segment.set(stream.subarray(position, position + length))
    yield [position, segment]
    slot.fill(++garbage)
    position += length
  }
}
