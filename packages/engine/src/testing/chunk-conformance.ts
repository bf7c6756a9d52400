import { isDeepStrictEqual } from 'node:util'
import type { ChunkPlan, ChunkStage } from '../contracts/index.ts'
import { type ConformanceCase, demand, demandSameBytes, type GivenSettings } from './conformance-case.ts'
import { demandPlain, descriptionCases, filled } from './description.ts'
import { insertionCases } from './insertion-conformance.ts'
import { noise, shared, text } from './sample-bytes.ts'
import { checkedEnds, cutInSegments } from './segmented-cuts.ts'

export interface ChunkConformanceOptions {
  readonly settings?: GivenSettings
  /** First bytes of a stream, by which the plan is made; random ones when left out. */
  readonly head?: Uint8Array
  /** Lengths of segments between which cuts must not differ. */
  readonly segmentBytes?: readonly number[]
  /** How many chunks one inserted byte may change. */
  readonly maxChanged?: number
}

const mebibyte = 1024 * 1024
const headBytes = 64 * 1024

export interface ChunkSubject {
  readonly stage: ChunkStage<never>
  plan(): Promise<ChunkPlan>
}

/** The promises of a chunker; one that cuts by content (`pageBytes` 0) promises more. */
export function chunkConformance(stage: ChunkStage<never>, options: ChunkConformanceOptions = {}): ConformanceCase[] {
  const head = options.head ?? noise(headBytes)
  const segmentBytes = options.segmentBytes ?? [mebibyte, mebibyte + 4096, 2 * mebibyte, 4 * mebibyte]
  const subject: ChunkSubject = { stage, plan: async () => stage.plan(head, await filled<never>(stage, options.settings)) }
  const cases: ConformanceCase[] = [
    {
      title: 'a plan is plain data, and the same for the same head',
      async run() {
        const plan = await subject.plan()
        demandPlain(plan, 'the plan')
        demand(typeof plan.id === 'string' && plan.id !== '', 'the plan has no id')
        demand(Number.isInteger(plan.pageBytes) && plan.pageBytes >= 0, `the plan says pages of ${plan.pageBytes} bytes`)
        demand(isDeepStrictEqual(await subject.plan(), plan), 'a second plan for the same head differs')
        const settings = await filled<never>(stage, options.settings)
        for (const short of [0, 1, 100]) demandPlain(stage.plan(head.slice(0, short), settings), `the plan for a head of ${short} bytes`)
      },
    },
    {
      title: 'chunks follow each other and cover all bytes',
      async run() {
        const plan = await subject.plan()
        for (const bytes of [0, 1, 2, 511, 4096, 65_537, mebibyte + 5]) {
          for (const fill of [noise, text, zeros]) checkedEnds(stage, plan, fill(bytes))
        }
      },
    },
    {
      title: 'cuts are the same whatever the length of a segment',
      async run() {
        const plan = await subject.plan()
        const bytes = Math.max(...segmentBytes) * 2 + 12_345
        for (const [name, fill] of Object.entries({ noise, text, zeros, repeats })) {
          const stream = fill(bytes)
          const whole = checkedEnds(stage, plan, stream)
          for (const length of segmentBytes)
            demandSameEnds(endsInSegments(stage, plan, stream, length), whole, `${name} in segments of ${length} bytes`)
        }
      },
    },
    {
      title: 'an anchor is a cut, whatever follows',
      async run() {
        const plan = await subject.plan()
        const stream = noise(2 * mebibyte)
        const cuts = new Set([0, ...checkedEnds(stage, plan, stream)])
        for (let length = 1; length < stream.length; length += 99_991) {
          const anchor = stage.anchor(stream.subarray(0, length), plan as never)
          demand(anchor >= 0 && anchor <= length, `the anchor of ${length} bytes is ${anchor}`)
          demand(cuts.has(anchor), `${length} bytes have an anchor at ${anchor}, where more bytes have no cut`)
        }
      },
    },
    {
      title: 'shared memory is cut as any other, and nothing is written to it',
      async run() {
        const plan = await subject.plan()
        const bytes = noise(mebibyte)
        const copy = shared(bytes)
        demandSameEnds([...checkedEnds(stage, plan, copy)], checkedEnds(stage, plan, bytes), 'a segment in shared memory')
        stage.anchor(copy, plan as never)
        demandSameBytes(copy, noise(mebibyte), 'the segment that was cut')
      },
    },
    {
      title: 'segments are cut alike in any order, by a plan that has crossed to another thread',
      async run() {
        const plan = await subject.plan()
        const [one, other] = [noise(mebibyte), text(mebibyte)]
        const expected = checkedEnds(stage, plan, one)
        checkedEnds(stage, plan, other)
        demandSameEnds([...checkedEnds(stage, structuredClone(plan), one)], expected, 'a segment after another one')
      },
    },
    {
      title: 'chunks of one announced length have it, all but the last',
      async run() {
        const plan = await subject.plan()
        if (plan.pageBytes === 0) return
        const ends = checkedEnds(stage, plan, noise(plan.pageBytes * 5 + 1))
        const expected = Array.from({ length: 6 }, (_, page) => Math.min((page + 1) * plan.pageBytes, plan.pageBytes * 5 + 1))
        demandSameEnds([...ends], Uint32Array.from(expected), 'a segment of five pages and a byte')
      },
    },
  ]
  return [...descriptionCases(stage, 'chunk'), ...cases, ...insertionCases(subject, options.maxChanged)]
}

function zeros(bytes: number): Uint8Array {
  return new Uint8Array(bytes)
}

/** 10,007 bytes, over and over. */
function repeats(bytes: number): Uint8Array {
  return Buffer.alloc(bytes, noise(10_007))
}

function endsInSegments(stage: ChunkStage<never>, plan: ChunkPlan, stream: Uint8Array, segmentBytes: number): number[] {
  const ends: number[] = []
  cutInSegments(stage, plan, [stream], segmentBytes, (_chunk, end) => ends.push(end))
  return ends
}

function demandSameEnds(seen: readonly number[], expected: Uint32Array, what: string): void {
  const at = expected.findIndex((end, index) => seen[index] !== end)
  demand(at < 0 && seen.length === expected.length, `${what}: chunk ${at} ends at ${seen[at]} instead of ${expected[at]}`)
}
