import t from 'tap'
import type { InspectPlan, InspectStage } from '@kpipe/engine/contracts'
import { inspectConformance } from '@kpipe/engine/testing'
import countBytes from '../stages/count-bytes.ts'
import { failures } from './failures.ts'

const stream = Uint8Array.from({ length: 300_000 }, (_, at) => at % 7)
const chunking = { id: 'page/4096', pageBytes: 4096 }
const stage: InspectStage = countBytes

const title = 'facts are the same whatever the length of a segment, though its memory is used again'
let looks = 0

/** Counts segments or keeps them, which a stage must not. */
function collecting(take: (sums: { total: number }, look: Uint8Array, bytes: Uint8Array) => void): InspectStage['collect'] {
  return () => {
    const sums = { total: 0 }
    return { take: (look, bytes) => take(sums, look, bytes), conclude: async () => ({ total: sums.total }) }
  }
}

const kept: Uint8Array[] = []
const onceForAll = { total: 0 }

const broken: Record<string, { stage: InspectStage; title: string; says: RegExp }> = {
  'that counts segments': {
    stage: { ...stage, collect: collecting((sums) => sums.total++) },
    title,
    says: /^in segments of 65536 bytes it says/,
  },
  'that keeps bytes that are not its own': {
    stage: {
      ...stage,
      collect: () => ({
        take: (_look, bytes) => void kept.push(bytes),
        conclude: async () => ({ sum: kept.splice(0).reduce((sum, bytes) => sum + bytes.reduce((a, b) => a + b, 0), 0) }),
      }),
    },
    title,
    says: /it says/,
  },
  'whose looks depend on what was seen before': {
    stage: { ...stage, look: () => Uint8Array.of(looks++) },
    title: 'a look is a function of its arguments, on any thread',
    says: /^a second look at the same segment differs/,
  },
  'that writes to the segment': {
    stage: {
      ...stage,
      look(bytes, position, plan) {
        const look = stage.look(bytes, position, plan)
        if (bytes.buffer instanceof SharedArrayBuffer) bytes[1] = 0xff
        return look
      },
    },
    title: 'a look is a function of its arguments, on any thread',
    says: /^the segment that was looked at differs at byte 1/,
  },
  'that mixes streams': {
    stage: {
      ...stage,
      collect: () => ({ take: (_look, bytes) => void (onceForAll.total += bytes.length), conclude: async () => ({ ...onceForAll }) }),
    },
    title: 'streams that are read at once do not mix',
    says: /^of two streams/,
  },
  'that takes what has changed from an earlier look': {
    stage: { ...stage, look: (bytes, position, plan, earlier) => earlier?.look ?? stage.look(bytes, position, plan) },
    title: 'an earlier look changes nothing of what is said',
    says: /^with looks at an earlier stream, 1 chunks each, it says/,
  },
  'whose facts are no plain data': {
    stage: { ...stage, collect: () => ({ take: () => {}, conclude: async () => ({ total: 5n as never }) }) },
    title,
    says: /BigInt|plain data/,
  },
  'whose plan is no plain data': {
    stage: { ...stage, plan: () => ({ seen: new Map() }) as unknown as InspectPlan },
    title: 'a plan is plain data',
    says: /^the plan is no plain data$/,
  },
}

t.test('an inspector that keeps its promises passes', async (t) => {
  t.same(await failures(inspectConformance(stage, { stream, chunking })), {})
})

t.test('an inspector that says something else than it should is caught', async (t) => {
  const failed = await failures(inspectConformance(stage, { stream, chunking, facts: { zeros: 1 } }))
  t.match(failed[title], /instead of \{"zeros":1\}$/)
})

for (const [what, { stage, title, says }] of Object.entries(broken)) {
  t.test(`an inspector ${what} is caught`, async (t) => {
    const failed = await failures(inspectConformance(stage, { stream, chunking }))
    t.match(failed[title], says, title)
  })
}
