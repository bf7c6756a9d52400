import { BoltError, findPageBytes, hashKv, lookSegment, memoryPages, openBolt, statusCollector, walk, writeBolt } from '../src/index.ts'
import type { Pages, Status } from '../src/index.ts'
import { dice, mutate } from './mutate.ts'

export interface FuzzOptions {
  readonly seed: number
  readonly rounds: number
  /** Whole databases, each mutated in turn. */
  readonly originals: readonly Uint8Array[]
}

/**
 * Damages databases at random and reads them in both ways, by `walk` and by segments. Each must end with a status or a BoltError, both with the
 * same verdict, having read no page more often than a tree could have it; what walks can be written anew, with the same status and HashKV.
 * Returns how often each outcome came: `ok`, or a BoltError's code.
 * @throws whatever else came out, with the round in its message
 */
export async function fuzzReaders({ seed, rounds, originals }: FuzzOptions): Promise<Map<string, number>> {
  const roll = dice(seed)
  const outcomes = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    const original = originals[round % originals.length]
    const bytes = mutate(Uint8Array.from(original), findPageBytes(original)!, roll)
    try {
      const outcome = await readBothWays(bytes, findPageBytes(original)!, round, roll)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    } catch (error) {
      throw new Error(`round ${round} of seed ${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
  return outcomes
}

/** One in so many of those that can be read is compared with what was written of it. */
const rewrittenShare = 4

async function readBothWays(bytes: Uint8Array, pageBytes: number, seed: number, roll: (sides: number) => number): Promise<string> {
  const segmentBytes = [pageBytes, 3 * pageBytes, 1000, 64 * pageBytes][roll(4)]
  const walked = await outcomeOf(() => copy(bytes))
  const status = await outcomeOf(() => statusBySegments(bytes, pageBytes, segmentBytes, seed))
  const foreign = status === 'schema'
  if (!foreign && typeof walked !== typeof status) throw new Error(`walk says ${nameOf(walked)}, status ${nameOf(status)}`)
  if (typeof walked === 'string' || typeof status === 'string') return nameOf(status)
  if (roll(rewrittenShare) === 0) await compareRewritten(bytes, walked, status, seed)
  return 'ok'
}

async function compareRewritten(bytes: Uint8Array, written: Uint8Array, status: Status, seed: number): Promise<void> {
  const again = await statusBySegments(written, findPageBytes(written)!, written.length, seed)
  if (again.hash !== status.hash || again.items !== status.items) throw new Error('what was written anew has another status')
  const hashes = [bytes, written].map((database) => outcomeOf(async () => (await hashKv(await openBolt(memoryPages(database)))).hash))
  const [before, after] = await Promise.all(hashes)
  if (before !== after) throw new Error(`what was written anew has another HashKV: ${before} became ${after}`)
}

/** The result, or the code of a BoltError. Anything else is thrown on. */
async function outcomeOf<Result>(read: () => Promise<Result>): Promise<Result | string> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof BoltError) return error.code
    throw error
  }
}

function nameOf(outcome: unknown): string {
  return typeof outcome === 'string' ? outcome : 'ok'
}

async function copy(bytes: Uint8Array): Promise<Uint8Array> {
  const bolt = await openBolt(countedPages(memoryPages(bytes)))
  let copied = new Uint8Array(0)
  await writeBolt(walk(bolt), bolt.pages.pageBytes, async (position, written) => {
    if (position + written.length > copied.length) {
      const longer = new Uint8Array(position + written.length)
      longer.set(copied)
      copied = longer
    }
    copied.set(written, position)
  })
  return copied
}

/** Two meta pages, and each page of the tree once for its header and once with its overflow. */
function countedPages(pages: Pages): Pages {
  let left = 4 + 2 * Math.ceil(pages.bytes / pages.pageBytes)
  return {
    bytes: pages.bytes,
    pageBytes: pages.pageBytes,
    read(page, count) {
      left -= count
      if (left < 0) throw new Error('pages are read over and over')
      if ((page + count) * pages.pageBytes > pages.bytes) throw new Error(`page ${page} and ${count - 1} more are read beyond the end`)
      return pages.read(page, count)
    },
  }
}

async function statusBySegments(bytes: Uint8Array, pageBytes: number, segmentBytes: number, seed: number): Promise<Status> {
  const plan = { pageBytes: findPageBytes(bytes) ?? pageBytes, seed }
  const collector = statusCollector(plan)
  for (let position = 0; position < bytes.length; position += segmentBytes) {
    // A copy of its own length: reading over its end throws.
    const segment = bytes.slice(position, position + segmentBytes)
    collector.take(lookSegment(segment, position, plan), segment, position)
  }
  return collector.conclude()
}
