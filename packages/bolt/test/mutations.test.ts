import { test } from 'tap'
import { BoltError, findPageBytes, lookSegment, memoryPages, openBolt, statusCollector, walk } from '../src/index.ts'
import { buildDatabase, row } from './database.ts'
import { readDatabase } from './fixtures.ts'

const rounds = 2000
const words = [0, 1, 2, 3, 4, 5, 8, 16, 17, 255, 0xffff, 0x7fffffff, 0xffffffff]

/** Xorshift: the same mutations in every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % sides
  }
}

function mutate(bytes: Uint8Array, pageBytes: number, roll: (sides: number) => number): Uint8Array {
  const view = new DataView(bytes.buffer)
  const pages = Math.floor(bytes.length / pageBytes)
  for (let left = 1 + roll(4); left > 0; left--) {
    const page = roll(pages) * pageBytes
    const kind = roll(6)
    if (kind === 0) bytes[page + roll(80)] = roll(256)
    else if (kind === 1) bytes[roll(bytes.length)] ^= 1 << roll(8)
    else if (kind === 2) view.setUint32(page + 4 * roll(32), words[roll(words.length)], true)
    else if (kind === 3) view.setUint16(page + 8 + 2 * roll(2), words[roll(words.length)], true)
    else if (kind === 4) view.setUint32(page + 24 + 16 * roll(8), roll(pages + 2), true)
    else {
      const from = roll(pages) * pageBytes
      bytes.copyWithin(page, from, from + pageBytes)
      if (roll(2)) view.setUint32(page, page / pageBytes, true)
    }
  }
  return roll(10) === 0 ? bytes.slice(0, roll(bytes.length + 1)) : bytes
}

/** What came out: `ok`, or the code of a BoltError. Anything else is thrown on. */
async function outcome(read: () => Promise<unknown>): Promise<string> {
  try {
    await read()
    return 'ok'
  } catch (error) {
    if (error instanceof BoltError) return error.code
    throw error
  }
}

test('mutated databases give a status or a typed error, and both ways of reading agree which', async (t) => {
  const rows = Array.from({ length: 300 }, (_, i) =>
    row(i + 2, 0, `key-${i % 50}`, i % 7 === 0 ? undefined : new Uint8Array(i % 40 === 0 ? 5000 : 20)),
  )
  const built = buildDatabase(
    {
      items: [
        ['key', { items: rows }],
        ['meta', { items: [['consistent_index', new Uint8Array(8)]] }],
      ],
    },
    { pageBytes: 1024, spread: 1 },
  )
  const originals = [
    built.bytes,
    ...['snap-3.4.23.db', 'snap-3.6.16.db', 'bolt-nested-4k.db.gz', 'bolt-nested-16k.db.gz'].map(readDatabase),
  ]
  const roll = dice(20_240_607)
  const outcomes = new Map<string, number>()
  for (let round = 0; round < rounds; round++) {
    const original = originals[round % originals.length]
    const pageBytes = findPageBytes(original)!
    const bytes = mutate(Uint8Array.from(original), pageBytes, roll)
    const segmentBytes = [pageBytes, 3 * pageBytes, 1000, 64 * pageBytes][roll(4)]
    const walked = await outcome(async () => {
      for await (const { key } of walk(await openBolt(memoryPages(bytes)))) if (key.length === 0) throw new Error('empty key')
    })
    const status = await outcome(async () => {
      const plan = { pageBytes: findPageBytes(bytes) ?? pageBytes, seed: round }
      const collector = statusCollector(plan)
      for (let position = 0; position < bytes.length; position += segmentBytes) {
        // A copy of its own length: reading over its end throws.
        const segment = bytes.slice(position, position + segmentBytes)
        collector.take(lookSegment(segment, position, plan), segment, position)
      }
      collector.conclude()
    })
    if (status !== 'schema' && (walked === 'ok') !== (status === 'ok')) t.fail(`round ${round}: walk says ${walked}, status ${status}`)
    outcomes.set(status, (outcomes.get(status) ?? 0) + 1)
  }
  for (const code of ['ok', 'page', 'order', 'range', 'truncated', 'bucket', 'freelist', 'shared', 'not-bolt', 'schema'])
    t.ok(outcomes.get(code)! > 0, code)
})
