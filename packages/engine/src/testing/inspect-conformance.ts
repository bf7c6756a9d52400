import { isDeepStrictEqual } from 'node:util'
import type { ChunkPlan, Facts, InspectPlan, InspectStage } from '../contracts/index.ts'
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
const longest = 2 * 1024 * 1024
/** How many ways of cutting are tried: a page or a run of them that crosses two borders is rare. */
const variations = 40

/** The promises of an inspector. */
export function inspectConformance(stage: InspectStage, options: InspectConformanceOptions): ConformanceCase[] {
  const { stream, chunking, facts } = options
  const segmentBytes = options.segmentBytes ?? [headBytes, 100_003, 2 * 1024 * 1024]
  const plan = (): InspectPlan => {
    const made = stage.plan(stream.slice(0, headBytes), chunking)
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
          const made = stage.plan(head, chunking)
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
  ]
  return [...descriptionCases(stage, 'inspect'), ...cases]
}

async function factsOf(stage: InspectStage, plan: InspectPlan, stream: Uint8Array, lengthOf: (index: number) => number): Promise<Facts> {
  const collector = stage.collect(plan)
  for (const [position, segment] of segmentsOf(stream, lengthOf)) {
    const look = structuredClone(stage.look(segment, position, plan))
    collector.take(look, segment, position)
    look.fill(0xff)
  }
  return collector.conclude()
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
