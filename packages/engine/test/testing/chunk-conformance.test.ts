import t from 'tap'
import type { ChunkPlan, ChunkStage } from '@kpipe/engine/contracts'
import { chunkConformance } from '@kpipe/engine/testing'
import lines from '../stages/lines.ts'
import { failures } from './failures.ts'

const plan: ChunkPlan = { id: 'test', pageBytes: 0 }
const pieceBytes = 65_536

/** Pieces of 64 KiB: a page chunker that passes, and the start of the broken ones. */
const good: ChunkStage<unknown> = {
  kind: 'chunk',
  summary: 'pieces of 64 KiB',
  settings: { type: 'object', properties: {}, additionalProperties: false },
  plan: () => ({ id: 'pieces', pageBytes: pieceBytes }),
  anchor: (bytes) => bytes.length - (bytes.length % pieceBytes),
  cut: (bytes) => endsOf(bytes.length),
}

function endsOf(bytes: number, length = pieceBytes): Uint32Array {
  return Uint32Array.from({ length: Math.ceil(bytes / length) }, (_, index) => Math.min((index + 1) * length, bytes))
}

const segments = 'cuts are the same whatever the length of a segment'
const cover = 'chunks follow each other and cover all bytes'
let calls = 0

const broken: Record<string, { stage: ChunkStage<unknown>; title: string; says: RegExp }> = {
  'that cuts where segments end': {
    stage: { ...good, plan: () => plan, anchor: (bytes) => bytes.length, cut: (bytes) => endsOf(bytes.length, 100_000) },
    title: segments,
    says: /^noise in segments of 1048576 bytes: chunk 10 ends at 1048576 instead of 1100000$/,
  },
  'whose anchors are no cuts': {
    stage: { ...good, anchor: (bytes) => bytes.length >> 1 },
    title: 'an anchor is a cut, whatever follows',
    says: /^1 bytes have an anchor at 0|have an anchor at \d+, where more bytes have no cut$/,
  },
  'of pieces of one length, which says that it cuts by content': {
    stage: { ...good, plan: () => plan },
    title: 'one byte inserted anywhere changes few chunks',
    says: /^a byte inserted at 0 of 12582912 bytes of noise changes \d+ chunks$/,
  },
  'that loses its place in zeros': {
    stage: {
      ...good,
      plan: () => plan,
      // Lengths go on from what was cut before, so that no two runs of zeros are cut alike.
      cut: (bytes) => endsOf(bytes.length, 50_000 + (calls++ % 40_000)),
    },
    title: 'one byte inserted in 100 MiB of zeros changes few chunks',
    says: /^a byte inserted after 0 of 100 MiB of zeros changes \d+ chunks$/,
  },
  'that makes empty chunks': {
    stage: { ...good, cut: (bytes) => Uint32Array.of(...endsOf(bytes.length), bytes.length) },
    title: cover,
    says: /^after a chunk that ends at \d+ comes one that ends at \d+$/,
  },
  'that leaves out the end': {
    stage: { ...good, cut: (bytes) => endsOf(bytes.length - (bytes.length % pieceBytes)) },
    title: cover,
    says: /^the last chunk of 1 bytes ends at 0$/,
  },
  'that writes to the segment': {
    stage: { ...good, cut: (bytes) => (bytes.fill(0, 0, 1), endsOf(bytes.length)) },
    title: 'shared memory is cut as any other, and nothing is written to it',
    says: /^the segment that was cut differs|ends at/,
  },
  'whose plan loses something on the way': {
    stage: { ...good, plan: () => ({ id: 'pieces', pageBytes: pieceBytes, at: new Date(0) }) },
    title: 'a plan is plain data, and the same for the same head',
    says: /^the plan is no plain data$/,
  },
  'whose pages have another length than it says': {
    stage: { ...good, cut: (bytes) => endsOf(bytes.length, pieceBytes / 2) },
    title: 'chunks of one announced length have it, all but the last',
    says: /^a segment of five pages and a byte: chunk 0 ends at 32768 instead of 65536$/,
  },
}

t.test('a chunker that keeps its promises passes', async (t) => {
  t.same(await failures(chunkConformance(good)), {})
})

t.test('a chunker of lines has no bound in zeros, and that is all that is wrong with it', async (t) => {
  t.same(Object.keys(await failures(chunkConformance(lines))), [segments])
})

for (const [what, { stage, title, says }] of Object.entries(broken)) {
  t.test(`a chunker ${what} is caught`, async (t) => {
    const failed = await failures(chunkConformance(stage))
    t.match(failed[title], says, title)
  })
}
