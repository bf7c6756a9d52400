import { hash } from 'node:crypto'
import type { ChunkSubject } from './chunk-conformance.ts'
import { type ConformanceCase, demand } from './conformance-case.ts'
import { noise, text } from './sample-bytes.ts'
import { cutInSegments, type Pieces } from './segmented-cuts.ts'

const mebibyte = 1024 * 1024
const segmentBytes = 2 * mebibyte
const inserted = Uint8Array.of(0x2a)

/** What a chunker promises that cuts by content: what moves is found again. Chunkers of pages promise nothing here. */
export function insertionCases(subject: ChunkSubject, maxChanged = 12): ConformanceCase[] {
  return [
    {
      title: 'one byte inserted anywhere changes few chunks',
      async run() {
        for (const [name, stream] of Object.entries({ noise: noise(12 * mebibyte), text: text(8 * mebibyte) })) {
          for (const at of [0, 1, 100_003, segmentBytes - 1, segmentBytes, 5 * mebibyte + 77, stream.length - 1, stream.length]) {
            const moved = [stream.subarray(0, at), inserted, stream.subarray(at)]
            await demandFewChanged(subject, [stream], moved, maxChanged, `a byte inserted at ${at} of ${stream.length} bytes of ${name}`)
          }
        }
      },
    },
    {
      title: 'one byte inserted in 100 MiB of zeros changes few chunks',
      async run() {
        const count = 100
        for (const at of [0, count / 2]) {
          const moved = [...zeros(at), inserted, ...zeros(count - at)]
          await demandFewChanged(subject, zeros(count), moved, maxChanged, `a byte inserted after ${at} of ${count} MiB of zeros`)
        }
      },
    },
  ]
}

function zeros(mebibytes: number): Uint8Array[] {
  const one = new Uint8Array(mebibyte)
  return Array.from({ length: mebibytes }, () => one)
}

async function demandFewChanged(subject: ChunkSubject, before: Pieces, after: Pieces, maxChanged: number, what: string): Promise<void> {
  const plan = await subject.plan()
  if (plan.pageBytes > 0) return
  const known = new Set<string>()
  cutInSegments(subject.stage, plan, before, segmentBytes, (chunk) => known.add(hash('sha1', chunk)))
  const fresh = new Set<string>()
  cutInSegments(subject.stage, plan, after, segmentBytes, (chunk) => {
    const name = hash('sha1', chunk)
    if (!known.has(name)) fresh.add(name)
  })
  demand(fresh.size <= maxChanged, `${what} changes ${fresh.size} chunks`)
}
