import { isDeepStrictEqual } from 'node:util'
import { test } from 'tap'
import type { Test } from 'tap'
import { BoltError, lookSegment, statusCollector } from '../src/index.ts'
import type { LookPlan } from '../src/index.ts'
import { decodeLook, encodeLook, leaves, records } from '../src/look-format.ts'
import { lookPagesSlowly } from '../src/look.ts'
import { putNumber, putU32, recordWriter } from '../src/record.ts'
import { dice, mutate } from '../torture/mutate.ts'
import { buildDatabase, row } from './database.ts'
import { readDatabase, readKubernetes, snapshotVersions } from './fixtures.ts'
import { recordOf, saidBy } from './look-records.ts'

const pageBytes = 4096
const plan = { pageBytes, seed: 7 }

// Arrays of their own, for a slice of a Buffer is no copy.
const database = (name: string) => new Uint8Array(readDatabase(name))
const hourOf = (hour: string) => new Uint8Array(readKubernetes(hour).bytes)

function samePages(one: Uint8Array, other: Uint8Array, pageBytes: number): Uint8Array {
  return Uint8Array.from({ length: Math.ceil(other.length / pageBytes) }, (_, page) => {
    const [before, now] = [one, other].map((bytes) => bytes.subarray(page * pageBytes, (page + 1) * pageBytes))
    return Number(Buffer.compare(before!, now!) === 0)
  })
}

const garbage = new Uint8Array(2 << 20).fill(0xee)

/** A look at `bytes` by an earlier one, in memory that holds nothing of what was seen before. */
function lookBy(look: Uint8Array, same: Uint8Array, bytes: Uint8Array, position: number, plan: LookPlan): Uint8Array {
  lookSegment(garbage.subarray(0, bytes.length), 0, plan)
  return lookSegment(bytes, position, plan, { look, same })
}

/**
 * Looks at `now` with and without looks at `before`, and then at `before` with the former; demands the same words each time, and the same status.
 * Returns how many pages were the same.
 */
function compare(t: Test, before: Uint8Array, now: Uint8Array, what: string, { pageBytes = 4096, pages = 16 } = {}): number {
  const plan = { pageBytes, seed: 7 }
  const [alone, helped]: Uint8Array[][] = [[], []]
  let sameCount = 0
  for (let position = 0; position < now.length; position += pages * pageBytes) {
    const [then, segment] = [before, now].map((bytes) => bytes.slice(position, position + pages * pageBytes))
    const same = samePages(then!, segment!, pageBytes)
    const first = lookSegment(then!, position, plan)
    const second = lookBy(first, same, segment!, position, plan)
    alone!.push(lookSegment(segment!, position, plan))
    helped!.push(second)
    const [saidThen, saidNow] = [saidBy(first), saidBy(alone!.at(-1)!)]
    if (!isDeepStrictEqual(saidBy(second), saidNow)) t.same(saidBy(second), saidNow, `${what}, from ${position}`)
    sameCount += same.reduce((sum, one) => sum + one, 0)
    if (then!.length !== segment!.length) continue
    const third = lookBy(second, same, then!, position, plan)
    const fourth = lookBy(third, new Uint8Array(same.length).fill(1), then!, position, plan)
    for (const [n, look] of [third, fourth].entries())
      if (!isDeepStrictEqual(saidBy(look), saidThen)) t.same(saidBy(look), saidThen, `${what}, from ${position}, look ${n + 3} in a chain`)
  }
  const [expected, found] = [alone!, helped!].map((looks) => outcome(looks, now, pageBytes, pages))
  if (!isDeepStrictEqual(found, expected)) t.same(found, expected, `status of ${what}`)
  return sameCount
}

/** The status, or what the error says. */
function outcome(looks: readonly Uint8Array[], bytes: Uint8Array, pageBytes: number, pages: number): unknown {
  const collector = statusCollector({ pageBytes, seed: 7 })
  try {
    for (const [i, look] of looks.entries()) {
      const position = i * pages * pageBytes
      collector.take(look, bytes.slice(position, position + pages * pageBytes), position)
    }
    return collector.conclude()
  } catch (error) {
    if (!(error instanceof BoltError)) throw error
    return `${error.code}: ${error.message}`
  }
}

const rows = (count: number, valueBytes: (i: number) => number) =>
  Array.from({ length: count }, (_, i) =>
    row(i + 2, i % 3, `key-${i % 50}`, i % 9 === 8 ? undefined : new Uint8Array(valueBytes(i)).fill(i)),
  )
const meta = ['meta', { items: [['consistent_index', new Uint8Array(8)]] }] as const

test('an hour later every page is seen as without the look of the hour before', (t) => {
  const [before, now] = ['hour-00', 'hour-01'].map(hourOf)
  for (const pages of [3, 256]) {
    const same = compare(t, before!, now!, `${pages} pages a segment`, { pages })
    t.ok(same > 100, `${same} pages are the same`)
  }
  t.end()
})

test('databases in which something changed are seen as without an earlier look', (t) => {
  const roll = dice(20_250_101)
  const built = (pageBytes: number, spread: number) =>
    buildDatabase({ items: [['key', { items: rows(200, (i) => (i % 40 === 0 ? 5000 : 20)) }], meta] }, { pageBytes, spread }).bytes
  const originals: [Uint8Array, number][] = [
    ...snapshotVersions.map((version): [Uint8Array, number] => [database(`snap-${version}.db`), 4096]),
    [database('bolt-nested-4k.db.gz'), 4096],
    [database('bolt-nested-16k.db.gz'), 16_384],
    [built(1024, 1), 1024],
    [built(4096, 0), 4096],
  ]
  let same = 0
  for (let round = 0; round < 400; round++) {
    const [before, pageBytes] = originals[round % originals.length]!
    const now = mutate(mutate(before.slice(), pageBytes, roll), pageBytes, roll)
    if (now.length >= 2 * pageBytes) same += compare(t, before, now, `round ${round}`, { pageBytes, pages: [1, 5, 64, 200][roll(4)]! })
  }
  t.ok(same > 5000, `${same} pages are the same`)
  t.end()
})

test('a change in the overflow, or only in the header, is a change of the page', (t) => {
  const items = rows(25, (i) => (i % 5 === 0 ? 9000 : 30))
  const { bytes: before } = buildDatabase({ items: [['key', { items }], meta] }, { pageBytes: 1024, spread: 2 })
  const pages = before.length / 1024
  let same = 0
  for (let page = 0; page < pages; page++) {
    // Last byte, then number, kind, count and overflow.
    for (const [at, value] of [
      [1023, 0x55],
      [0, 1],
      [8, 2],
      [10, 1],
      [12, 1],
      [12, 3],
    ] as const) {
      const now = before.slice()
      now[page * 1024 + at] ^= value
      same += compare(t, before, now, `byte ${at} of page ${page} changed`, { pageBytes: 1024, pages: page % 2 === 0 ? 64 : pages })
    }
  }
  t.equal(same, 6 * pages * (pages - 1))
  t.end()
})

test('a freelist that changed is seen, and one that did not is taken', (t) => {
  const plan = { pageBytes: 1024, seed: 7 }
  const whole = database('bolt-bigfreelist-1k.db.gz')
  const changed = whole.slice()
  for (const page of [4, 70, 66_006]) changed[(page + 1) * 1024 - 1] ^= 1
  t.ok(compare(t, whole, changed, 'the whole database', { pageBytes: 1024, pages: 2048 }) > 80_000)
  const before = whole.subarray(0, 1024 * 1024)
  const freelist = saidBy(lookSegment(before, 0, plan)).pages.findIndex((record) => record.startsWith('06'))
  t.equal(freelist, 4)
  // Its count, an id, and an id on a page of its overflow.
  for (const at of [10, 24, 2048]) {
    const now = before.slice()
    now[4 * 1024 + at] ^= 1
    compare(t, before, now, `byte ${at} of the freelist changed`, { pageBytes: 1024, pages: 1024 })
  }
  const now = before.slice()
  now[4 * 1024 + 10] ^= 1
  const earlier = { look: lookSegment(before, 0, plan), same: new Uint8Array(1024).fill(1) }
  t.same(recordOf(lookSegment(now, 0, plan, earlier), 4), recordOf(earlier.look, 4))
  t.notSame(recordOf(lookSegment(now, 0, plan), 4), recordOf(earlier.look, 4))
  t.end()
})

test('pages that cover others too often are unread or not by what they are now', (t) => {
  const { bytes: before, leaves } = buildDatabase({ items: [['key', { items: rows(800, () => 60) }], meta] }, { pageBytes: 1024 })
  const now = before.slice()
  const view = new DataView(now.buffer)
  const last = leaves.at(-1)!
  for (const leaf of leaves.slice(0, -2)) view.setUint32(leaf * 1024 + 12, last - leaf, true)
  const some = now.slice()
  some.set(before.subarray(0, before.length / 2))
  for (const [one, other] of [
    [before, now],
    [now, before],
    [some, now],
    [now, some],
  ] as const)
    compare(t, one, other, 'pages with much overflow', { pageBytes: 1024, pages: 1000 })
  const kinds = new Set(saidBy(lookSegment(now, 0, { pageBytes: 1024, seed: 7 })).pages.map((record) => record.slice(0, 2)))
  t.ok(kinds.has('02') && kinds.has('05'))
  t.end()
})

test('records come from the earlier look, but those of faults and of buckets', (t) => {
  const now = hourOf('hour-00').slice(0, 1024 * pageBytes)
  const before = now.slice()
  // In a meta page, in values, in lengths of keys, in children of branches.
  for (let page = 0; page < 1024; page++) before[page * pageBytes + (page < 2 ? 64 : [4090, 100, 104][page % 3]!)] ^= 1
  const look = lookSegment(before, 0, plan)
  const same = new Uint8Array(1024).fill(1)
  const [then, alone, helped] = [look, lookSegment(now, 0, plan), lookSegment(now, 0, plan, { look, same })].map((one) => saidBy(one).pages)
  let taken = 0
  const differing = new Set<string>()
  for (const [page, record] of then!.entries()) {
    const { kind, summary } = kindOf(record)
    const isTaken = kind !== records.invalid && kind !== records.unread && !(kind === records.leaf && summary === leaves.bucketsWithRows)
    t.equal(helped![page], isTaken ? record : alone![page], `page ${page}`)
    if (record === alone![page]) continue
    taken += Number(isTaken)
    differing.add(`${kind}${isTaken ? '' : ' anew'}`)
  }
  t.ok(taken > 100, `${taken} records were taken that had become others`)
  for (const kind of ['1 anew', '3', '4', '5']) t.ok(differing.has(kind), kind)
  t.end()

  function kindOf(record: string): { kind: number; summary: number } {
    const [kind = 0, , summary = 0] = Buffer.from(record.slice(0, 6), 'hex')
    return { kind, summary }
  }
})

test('of a page that is the same nothing but the header is read', (t) => {
  const { bytes } = buildDatabase({ items: [['key', { items: rows(60, () => 200) }], meta] })
  const look = lookSegment(bytes, 0, plan)
  const same = new Uint8Array(bytes.length / pageBytes).fill(1)
  const headers = bytes.map((byte, at) => (at % pageBytes < 16 ? byte : 0xee))
  t.ok(
    saidBy(look).pages.some((record) => /^05..03/.test(record)),
    'with a leaf of buckets',
  )
  t.same(saidBy(lookSegment(headers, 0, plan, { look, same })), saidBy(look))
  t.end()
})

test('a leaf of buckets of which one holds its rows inside is looked at again', (t) => {
  const { bytes } = buildDatabase({ items: [['key', { items: rows(3, () => 20) }], meta] })
  const look = lookSegment(bytes, 0, plan)
  const root = saidBy(look).pages.findIndex((record) => /^05..04/.test(record))
  t.ok(root > 1)
  const same = new Uint8Array(bytes.length / pageBytes).fill(1)
  t.same(saidBy(lookSegment(bytes, 0, plan, { look, same })), saidBy(look))
  let noticed = 0
  for (let at = root * pageBytes + 16; at < (root + 1) * pageBytes; at++) {
    const changed = bytes.slice()
    changed[at] ^= 1
    const said = saidBy(lookSegment(changed, 0, plan, { look, same }))
    if (!isDeepStrictEqual(said, saidBy(lookSegment(changed, 0, plan)))) t.fail(`byte ${at}`)
    noticed += Number(said.pages[root] !== saidBy(look).pages[root])
  }
  t.ok(noticed > 100, `${noticed} changes were seen, though the page is said to be the same`)
  t.end()
})

test('looks of the slow way are taken, and its records of what the fast way leaves', (t) => {
  for (const name of ['snap-3.6.16.db', 'bolt-nested-4k.db.gz']) {
    const bytes = database(name)
    const pages = Math.floor(bytes.length / pageBytes)
    const look = lookPagesSlowly(bytes, 0, 0, pages, plan)
    t.same(saidBy(lookSegment(bytes, 0, plan, { look, same: new Uint8Array(pages).fill(1) })), saidBy(look))
  }
  t.end()
})

/** A segment, and a look at it which lies: of the pages as they were when the last byte of each was another. */
function lyingLook(): { now: Uint8Array; look: Uint8Array; same: Uint8Array; alone: Buffer } {
  const now = hourOf('hour-00').slice(64 * pageBytes, 96 * pageBytes)
  const before = now.map((byte, at) => (at % pageBytes === 4095 ? byte ^ 1 : byte))
  const position = 64 * pageBytes
  return {
    now,
    look: lookSegment(before, position, plan),
    same: new Uint8Array(32).fill(1),
    alone: Buffer.from(lookSegment(now, position, plan)),
  }
}

test('a look that does not fit is not taken', (t) => {
  const { now, look, same, alone } = lyingLook()
  const see = (look: Uint8Array, flags = same, segment = now, position = 64 * pageBytes) =>
    Buffer.from(lookSegment(segment, position, plan, { look, same: flags }))
  t.notOk(see(look).equals(alone), 'it would be seen')
  const shifted = new Uint8Array(look.length + 1)
  shifted.set(look, 1)
  t.notOk(see(shifted.subarray(1)).equals(alone), 'wherever it lies in memory')
  for (let length = 0; length < look.length; length++) if (!see(look.slice(0, length)).equals(alone)) t.fail(`${length} bytes are taken`)
  t.ok(see(Buffer.concat([look, Uint8Array.of(0)])).equals(alone), 'one byte more')
  for (let word = 0; word < 6; word++) {
    for (const value of [0, 1, 2, 31, 33, 0x7fffffff, 0xffffffff]) {
      const other = look.slice()
      new Uint32Array(other.buffer, 0, 6)[word] = value
      if (!other.every((byte, at) => byte === look[at])) t.ok(see(other).equals(alone), `word ${word} is ${value}`)
    }
  }
  t.ok(see(look, same.subarray(1)).equals(alone), 'it is not told of all pages whether they are the same')
  t.notOk(see(look, new Uint8Array(33).fill(1)).equals(alone), 'of a cut page behind the last it is told, too')
  t.ok(see(look, new Uint8Array(32).fill(2)).equals(alone), 'only 1 is the same')
  const before = now.slice(0, 31 * pageBytes)
  t.ok(see(look, same, before).equals(lookSegment(before, 64 * pageBytes, plan)), 'a page less')
  t.ok(see(look, same, now, 65 * pageBytes).equals(lookSegment(now, 65 * pageBytes, plan)), 'from another page on')
  const within = now.subarray(1)
  t.ok(see(look, same, within, 63 * pageBytes + 1).equals(lookSegment(within, 63 * pageBytes + 1, plan)), 'from within a page on')
  const long = new Uint8Array(5 << 20)
  t.ok(see(longLook(look, long)).equals(alone), 'longer than any')
  t.end()

  function longLook(look: Uint8Array, more: Uint8Array): Uint8Array {
    const parts = decodeLook(look)
    return encodeLook({ ...parts, records: Buffer.concat([parts.records, more]) })
  }
})

test('whatever an earlier look holds, nothing beside it is read', (t) => {
  const { now, look, alone } = lyingLook()
  const roll = dice(7)
  const parts = decodeLook(look)
  const numbers = [0, 1, 2, 127, 128, 255, parts.records.length, parts.rows.length, 0x7fffffff, 0x80000000, 0xffffffff]
  const noise = Uint8Array.from({ length: 1 << 20 }, () => roll(256))
  let taken = 0
  for (let round = 0; round < 3000; round++) {
    const bad = look.slice()
    const words = new Uint32Array(bad.buffer, 24, (bad.length - 24 - parts.records.length) >> 2)
    for (let left = 1 + roll(20); left > 0; left--) {
      const kind = roll(4)
      if (kind === 0) bad[24 + roll(bad.length - 24)] = roll(256)
      else if (kind === 1) words[roll(64)] = numbers[roll(numbers.length)]!
      else if (kind === 2) words[roll(words.length)] = roll(2 * parts.records.length)
      else bad.fill([0, 1, 0x80, 0xff][roll(4)]!, bad.length - 1 - roll(parts.records.length))
    }
    const same = Uint8Array.from({ length: 32 }, () => Number(roll(5) > 0))
    const see = () => Buffer.from(lookSegment(now, 64 * pageBytes, plan, { look: bad, same }))
    const first = see()
    // The memory holds something else now, and what lies beside the look, too.
    lookSegment(noise.subarray(roll(100_000)), 0, plan)
    if (!see().equals(first)) t.fail(`round ${round} depends on what was seen before`)
    const seen = decodeLook(first)
    if (seen.index.length !== 32 || seen.ends.some((end) => end > seen.records.length)) t.fail(`round ${round} is no look`)
    taken += Number(!first.equals(alone))
  }
  t.ok(taken > 1000, `of ${taken} something was taken`)
  t.end()
})

test('records and rows that find no room are made anew', (t) => {
  const { now, same, alone } = lyingLook()
  const expected = saidBy(alone).pages
  const pagesOfTree = expected.flatMap((record, page) => (record === '' ? [] : [page]))
  t.ok(pagesOfTree.length > 4)
  const [freelist, leaf] = [recordWriter(), recordWriter()]
  for (const number of [records.freelist, 0, 60_000, ...Array(60_000).fill(1)]) putNumber(freelist, number)
  // Without bytes, from row 0 on, with empty keys.
  for (const number of [records.leaf, 0, leaves.rows, 5000]) putNumber(leaf, number)
  putU32(leaf, 0)
  for (const number of [0, 0, 0, 0, 0, 0, ...Array(4999 * 6).fill(0)]) putNumber(leaf, number)
  // A segment of 128 KiB has room for as many bytes of records, and half as many of rows.
  for (const [{ bytes, length }, fitting] of [
    [freelist, 2],
    [leaf, 1],
  ] as const) {
    const look = encodeLook({
      firstPage: 64,
      index: new Uint32Array(32).fill(1),
      ends: new Uint32Array(32).fill(length),
      unfinished: new Uint32Array(0),
      rows: new Uint32Array(10_000),
      records: bytes.slice(0, length),
    })
    const said = saidBy(lookSegment(now, 64 * pageBytes, plan, { look, same })).pages
    const record = saidBy(look).pages[0]!
    t.same(
      said.flatMap((one, page) => (one === record ? [page] : [])),
      pagesOfTree.slice(0, fitting),
    )
    for (const page of pagesOfTree.slice(fitting)) t.ok(said[page] === expected[page], `page ${page}`)
  }
  t.end()
})
