import { test } from 'tap'
import type { Test } from 'tap'
import { BoltError, lookSegment, statusCollector } from '../src/index.ts'
import type { FastWalk } from '../src/fast-walk.ts'
import { decodeLook, encodeLook, leaves, records } from '../src/look-format.ts'
import { looks } from '../src/looks.ts'
import type { Looks } from '../src/looks.ts'
import { putBytes, putNumber, putU32, recordWriter } from '../src/record.ts'
import type { RecordWriter } from '../src/record.ts'
import { walkLooks } from '../src/status-walk.ts'
import { dice, mutate } from '../torture/mutate.ts'
import { buildDatabase, row } from './database.ts'
import type { Database, Item } from './database.ts'
import { readDatabase, readKubernetes, snapshotVersions } from './fixtures.ts'
import { marks, randomHistory } from './histories.ts'

/** What the fast walk said of each tree that it was asked to walk, `taken` when it did, and `hash` when it gave up only then. */
type Notes = Map<string, number>

/** The looks, with another walk in the place of the fast one. */
function withWalk(seen: Looks, walk: (fast: FastWalk) => FastWalk): Looks {
  const { add, record } = seen
  return { add, record, rowWalk: (pages) => walk(seen.rowWalk(pages)), get keyCount() { return seen.keyCount } } // prettier-ignore
}

function noted(notes: Notes): Looks {
  const note = (what: string) => notes.set(what, (notes.get(what) ?? 0) + 1)
  return withWalk(looks(), (fast) => (root, depth, reached) => {
    const before = reached.slice()
    const found = fast(root, depth, reached)
    note(typeof found === 'string' ? found : 'taken')
    if (typeof found !== 'string') return { ...found, hash: (compaction) => found.hash(compaction) ?? (note('hash'), undefined) }
    if (Buffer.compare(before, reached) !== 0) throw new Error('gave up, and has marked pages')
    return found
  })
}

/** Without the fast walk, over the same memory, and over looks that found no room in one. */
const slowly = [() => withWalk(looks(), () => () => 'broken'), () => looks(0)] as const

type Take = (collector: ReturnType<typeof statusCollector>) => void

function outcome(plan: { pageBytes: number; seed: number }, seen: Looks, take: Take): unknown {
  const collector = statusCollector(plan, seen)
  take(collector)
  try {
    return collector.conclude()
  } catch (error) {
    if (error instanceof BoltError) return { code: error.code, page: error.page, message: error.message }
    throw error
  }
}

/** Ends of segments of the same length, or of the lengths that `length` gives. */
function* cuts(bytes: number, length: number | (() => number)): Generator<[from: number, to: number]> {
  for (let from = 0; from < bytes;) {
    const to = Math.min(bytes, from + (typeof length === 'number' ? length : length()))
    yield [from, to]
    from = to
  }
}

/** Has the same status or error with and without the fast walk; `change` may make a lie of a look. */
function same(
  t: Test,
  what: string,
  bytes: Uint8Array,
  pageBytes: number,
  length: number | (() => number),
  notes: Notes,
  change = (look: Uint8Array) => look,
): unknown {
  const plan = { pageBytes, seed: 7 }
  const segments = [...cuts(bytes.length, length)].map(([from, to]) => {
    const segment = bytes.subarray(from, to)
    return { look: change(lookSegment(segment, from, plan)), segment, from }
  })
  const take: Take = (collector) => {
    for (const { look, segment, from } of segments) collector.take(look, segment, from)
  }
  const fast = outcome(plan, noted(notes), take)
  for (const way of slowly) {
    const slow = outcome(plan, way(), take)
    if (JSON.stringify(fast) !== JSON.stringify(slow)) t.same(fast, slow, what)
  }
  return fast
}

const taken = (times: number) => new Map([['taken', times]])

test('every database of the fixtures has the same status with the fast walk, which takes all whose rows are more than one leaf', (t) => {
  const names = [
    ...snapshotVersions.map((version) => `snap-${version}.db`),
    ...['crash-3.6.16', 'restore-3.6.16-m1-bump1000000', 'snap-3.6.16-after-bump', 'snap-3.6.16-nospace-alarm'].map(
      (name) => `${name}.db.gz`,
    ),
  ]
  const notes: Notes = new Map()
  for (const name of names) for (const length of [1000, 4096, 10_007, 1 << 20]) same(t, name, readDatabase(name), 4096, length, notes)
  for (const hour of ['hour-00', 'hour-01']) {
    const { bytes } = readKubernetes(hour)
    for (const length of [4096, 100_003, 1 << 20]) same(t, hour, bytes, 4096, length, notes)
  }
  t.same(notes, taken(4 * names.length + 6))
  const others: Notes = new Map()
  for (const name of ['snap-3.6.16-learner.db.gz', 'bolt-nested-4k.db.gz', 'bolt-bigfreelist-1k.db.gz'])
    same(t, name, readDatabase(name), name.endsWith('1k.db.gz') ? 1024 : 4096, 4096, others)
  t.same(others, new Map())
  t.end()
})

/** Segments of any length, some shorter than a header, some with many pages. */
function anyLength(roll: (sides: number) => number, pageBytes: number): () => number {
  return () => [1 + roll(64), 1 + roll(2 * pageBytes), pageBytes * (1 + roll(9)), 1 + roll(40 * pageBytes)][roll(4)]!
}

test('of any history, compacted or on the way to it, the fast walk makes the same', (t) => {
  const notes: Notes = new Map()
  const roll = dice(5)
  let trees = 0
  let hashesBefore = 0
  for (let seed = 1; seed <= 150; seed++) {
    const { items, meta } = randomHistory(seed)
    const pageBytes = seed % 3 === 0 ? 4096 : 1024
    const buckets: Item[] = [['auth', { items: [] }], ['key', { items }], ['meta', { items: meta }]] // prettier-ignore
    const { bytes } = buildDatabase({ items: buckets }, { pageBytes, spread: seed % 2 })
    for (const length of [pageBytes, anyLength(roll, pageBytes), 1 << 20]) {
      const status = same(t, `history ${seed}`, bytes, pageBytes, length, notes) as { hashKv?: { hashBefore?: number } }
      hashesBefore += Number(status.hashKv?.hashBefore !== undefined)
    }
    const inlineBytes = items.reduce((sum, [key, value]) => sum + 16 + key.length + (value as Uint8Array).length, 16)
    trees += Number(inlineBytes > pageBytes / 4)
  }
  t.same(notes, taken(3 * trees))
  t.ok(trees > 100 && hashesBefore > 5, `${trees} trees, ${hashesBefore} without a live key`)
  t.end()
})

test('trees of three levels and pages that come late are walked, from segments of any length', (t) => {
  const roll = dice(11)
  const notes: Notes = new Map()
  const items = Array.from({ length: 3000 }, (_, i) =>
    row(i + 2, i % 3, `key-${i % 700}`, i % 11 === 10 ? undefined : new Uint8Array(i % 40 === 0 ? 9000 : i % 90).fill(i)),
  )
  for (const spread of [0, 1]) {
    for (const compacted of [0, 2, 900, 2400, 2990]) {
      const meta = marks(compacted, compacted)
      const { bytes } = buildDatabase({ items: [['key', { items }], ['meta', { items: meta }]] }, { pageBytes: 1024, spread }) // prettier-ignore
      for (const length of [1024, 5 * 1024, anyLength(roll, 1024)]) same(t, `compacted at ${compacted}`, bytes, 1024, length, notes)
    }
  }
  t.same(notes, taken(30))
  t.end()
})

test('no tree is asked for without bucket key, when it is inline or lies in another bucket', (t) => {
  const notes: Notes = new Map()
  const meta: Item = ['meta', { items: marks(0, 0) }]
  const rows = Array.from({ length: 200 }, (_, i) => row(i + 2, 0, `key-${i}`, new Uint8Array(20)))
  const roots: Item[][] = [
    [],
    [meta],
    [['key', { items: [] }], meta],
    [['key', { items: rows.slice(0, 3) }], meta],
    [['other', { items: [['key', { items: rows }]] }]],
    [['other', { items: rows }]],
  ]
  for (const items of roots) same(t, `${items.length} buckets`, buildDatabase({ items }).bytes, 4096, 4096, notes)
  t.same(notes, new Map())
  t.end()
})

test('a bucket key that holds something else is left to the slow walk', (t) => {
  const rows = Array.from({ length: 200 }, (_, i) => row(i + 2, 0, `key-${i}`, new Uint8Array(20)))
  const others: Item[][] = [
    [...rows, ['zzz', 'no row']],
    [['\0', 'no row'], ...rows],
    [...rows, ['zzz', { items: [['a', 'b']] }]],
    [...rows, ['zzz', { items: rows }]],
  ]
  for (const items of others) {
    const notes: Notes = new Map()
    for (const meta of [marks(0, 0), []])
      same(t, 'foreign', buildDatabase({ items: [['key', { items }], ['meta', { items: meta }]] }).bytes, 4096, 4096, notes) // prettier-ignore
    t.notOk(notes.has('taken'))
    t.equal([...notes.values()].reduce((a, b) => a + b, 0), 2) // prettier-ignore
  }
  t.end()
})

/** Puts `more` branches with one child each between the root of the tree of rows and all that is below it, where stale pages are. */
function deepen({ bytes, branches, pageBytes }: Database, more: number): Uint8Array {
  const top = branches.at(-1)! * pageBytes
  const deep = bytes.slice()
  const view = new DataView(deep.buffer)
  for (let level = 0; level <= more; level++) {
    const at = top - level * pageBytes
    deep.copyWithin(at, top, top + pageBytes)
    view.setUint32(at, at / pageBytes, true)
    if (level < more) deep.set(bytes.subarray(top, top + pageBytes), at - pageBytes)
  }
  for (let level = 0; level < more; level++) {
    const at = top - level * pageBytes
    view.setUint32(at, at / pageBytes, true)
    view.setUint16(at + 10, 1, true)
    view.setBigUint64(at + 24, BigInt(at / pageBytes - 1), true)
  }
  const bottom = top - more * pageBytes
  deep.set(bytes.subarray(top, top + pageBytes), bottom)
  view.setUint32(bottom, bottom / pageBytes, true)
  return deep
}

test('a tree may have as many levels as the slow walk allows, and none more', (t) => {
  const items = Array.from({ length: 40 }, (_, i) => row(i + 2, 0, `key-${i % 30}`, new Uint8Array(60)))
  const database = buildDatabase({ items: [['key', { items }], ['meta', { items: marks(9, 9) }]] }, { pageBytes: 1024, spread: 80 }) // prettier-ignore
  t.equal(database.branches.length, 1)
  const deepest = [0, 1, 30, 60, 61, 62, 63, 64, 70].filter((more) => {
    const notes: Notes = new Map()
    const status = same(t, `${more} more levels`, deepen(database, more), 1024, 4096, notes) as { code?: string }
    t.equal(status.code, notes.has('taken') ? undefined : 'depth')
    t.ok(notes.has('taken') || notes.has('depth'))
    return notes.has('taken')
  })
  t.equal(deepest.at(-1), 62)
  t.end()
})

test('thousands of damaged databases have the same status or error, and the fast walk gives up for many reasons', (t) => {
  const roll = dice(20_261)
  const rows = Array.from({ length: 300 }, (_, i) =>
    row(i + 2, 0, `key-${i % 50}`, i % 7 === 0 ? undefined : new Uint8Array(i % 40 === 0 ? 3000 : 20)),
  )
  const built = (spread: number) => buildDatabase({ items: [['key', { items: rows }], ['meta', { items: marks(150, 150) }]] }, { pageBytes: 1024, spread }).bytes // prettier-ignore
  const originals = [
    { bytes: built(0), pageBytes: 1024 },
    { bytes: built(1), pageBytes: 1024 },
    { bytes: readDatabase('snap-3.6.16.db'), pageBytes: 4096 },
  ]
  const notes: Notes = new Map()
  const messages = new Set<string>()
  for (let round = 0; round < 3000; round++) {
    const { bytes, pageBytes } = originals[round % 3]!
    const damaged = mutate(bytes.slice(), pageBytes, roll)
    const said = same(t, `round ${round}`, damaged, pageBytes, anyLength(roll, pageBytes), notes) as { message?: string }
    if (said.message !== undefined) messages.add(said.message.replace(/\d+/g, 'n'))
  }
  t.comment([...notes])
  for (const reason of ['taken', 'range', 'record', 'shared', 'order']) t.ok(notes.get(reason)! > 5, reason)
  t.ok(messages.size > 20, `${messages.size} different errors`)
  t.end()
})

test('whatever a look says, the fast walk says the same as the slow one', (t) => {
  const roll = dice(77)
  const rows = Array.from({ length: 120 }, (_, i) => row(i + 2, i % 2, `key-${i % 30}`, i % 7 === 0 ? undefined : new Uint8Array(20)))
  const { bytes } = buildDatabase({ items: [['key', { items: rows }], ['meta', { items: marks(70, 70) }]] }, { pageBytes: 1024 }) // prettier-ignore
  const notes: Notes = new Map()
  for (let round = 0; round < 4000; round++) {
    same(t, `round ${round}`, bytes, 1024, 1 << 20, notes, (look) => {
      // Numbers keep their lengths: the slow walk would count rows by the million.
      const lie = look.slice()
      const words = new Uint32Array(lie.buffer, 0, 6)
      for (let left = 1 + roll(3); left > 0;) {
        const at = lie.length - 1 - roll(words[4]!)
        if (lie[at]! >= 128) continue
        lie[at] = roll(3) === 0 ? roll(128) : Math.max(0, Math.min(127, lie[at]! + roll(3) - 1))
        left--
      }
      if (roll(4) > 0) return lie
      const fewer = 1 + roll(words[4]!)
      words[4] -= fewer
      return lie.slice(0, lie.length - fewer)
    })
  }
  t.comment([...notes])
  for (const reason of ['taken', 'hash', 'range', 'record', 'shared', 'leaf', 'broken', 'order']) t.ok(notes.get(reason)! > 3, reason)
  t.end()
})

/** What stands in the place of a part of a record; and the overflow of the last leaf. */
interface Change {
  readonly root?: (out: RecordWriter) => void
  readonly branch?: (out: RecordWriter) => void
  readonly leaf?: (out: RecordWriter) => void
  readonly overflow?: number
}

/** A look at page 2, a root with bucket `key`, page 3, a branch, and the leaves of rows below it. */
function crafted(change: Change, rowsOf: number[]): Uint8Array {
  const out = recordWriter()
  const index: number[] = []
  const ends: number[] = []
  const page = (write: () => void) => {
    index.push(out.length + 1)
    write()
    ends.push(out.length)
  }
  const numbers = (...all: number[]) => all.forEach((number) => putNumber(out, number))
  page(() => {
    numbers(records.leaf, 0, leaves.buckets, 1, 1)
    putBytes(out, new DataView(new TextEncoder().encode('key').buffer), 0, 3)
    if (change.root) change.root(out)
    else numbers(3)
  })
  page(() => {
    numbers(records.branch, 0)
    if (change.branch) return change.branch(out)
    numbers(rowsOf.length)
    for (const leaf of rowsOf.keys()) numbers(1, leaf === 0 ? 1 : 10, 0, 4 + leaf)
  })
  let firstRow = 0
  for (const [leaf, count] of rowsOf.entries()) {
    page(() => {
      numbers(records.leaf, leaf === rowsOf.length - 1 ? (change.overflow ?? 0) : 0, leaves.rows)
      if (leaf === 1 && change.leaf) change.leaf(out)
      else {
        numbers(count)
        putU32(out, 0x9e3779b1 * (leaf + 1))
        numbers(2 ** 31 + leaf, firstRow, 1, 1 + 10 * leaf, 0, 1, count - 1, 0)
        for (let row = 1; row < count; row++) {
          putU32(out, 0x85ebca6b * (row + leaf))
          numbers(2 ** 27 + row, 1)
        }
      }
    })
    firstRow += count
  }
  return encodeLook({
    firstPage: 2,
    index: Uint32Array.from(index),
    ends: Uint32Array.from(ends),
    unfinished: new Uint32Array(0),
    // Every third row is of the same key.
    rows: Uint32Array.from({ length: 2 * firstRow }, (_, word) => (word % 6 < 2 ? 8 : 16 * word) | Number(word % 14 === 4)),
    records: out.bytes.slice(0, out.length),
  })
}

/** What walks over a look with and without the fast walk find, with HashKV of many compactions; and what the fast walk said. */
function walked(t: Test, what: string, ...segments: Uint8Array[]): Notes {
  const notes: Notes = new Map()
  const meta = { pageBytes: 4096, root: 2, freelist: undefined, pages: 2 ** 20, txid: 1n }
  const [fast, ...slow] = [noted(notes), ...slowly.map((way) => way())].map((seen) => {
    for (const look of segments) seen.add(look)
    try {
      const { hashKv, noted: _, ...found } = walkLooks(meta, seen, () => undefined)
      return JSON.stringify([found, [-1, 0, 1, 2, 3, 11, 12, 13, 20, 21, 22, 30, 100].map((compaction) => hashKv?.(200, compaction))])
    } catch (error) {
      if (!(error instanceof BoltError)) throw error
      return error.message
    }
  })
  for (const one of slow) t.equal(fast, one, what)
  return notes
}

test('a bucket of many gigabytes is hashed as by the slow walk', (t) => {
  t.same(walked(t, 'gigabytes', crafted({}, [3, 1, 4, 2, 9, 5])), taken(1))
  t.end()
})

test('numbers that the fast walk does not take are left to the slow one', (t) => {
  const numbers =
    (...all: number[]) =>
    (out: RecordWriter) =>
      all.forEach((number) => putNumber(out, number))
  const leaf =
    (count: number, bytes: number, ...more: number[]) =>
    (out: RecordWriter) => {
      putNumber(out, count)
      putU32(out, 77)
      numbers(bytes, ...more)(out)
    }
  const most = Number.MAX_SAFE_INTEGER
  const cases: [what: string, change: Change, said: string][] = [
    ['a row', { leaf: leaf(1, 9, 3, 1, 11, 0, 1, 0, 0) }, 'taken'],
    ['the longest leaf', { leaf: leaf(1, 2 ** 32 - 1, 3, 1, 11, 0, 1, 0, 0) }, 'taken'],
    ['a longer leaf', { leaf: leaf(1, 2 ** 32, 3, 1, 11, 0, 1, 0, 0) }, 'broken'],
    ['no byte', { leaf: leaf(1, 0, 3, 1, 11, 0, 1, 0, 0) }, 'broken'],
    ['no row', { leaf: leaf(0, 9, 3, 1, 11, 0, 1, 0, 0) }, 'broken'],
    ['the last row', { leaf: leaf(1, 9, 8, 1, 11, 0, 1, 0, 0) }, 'taken'],
    ['a row behind it', { leaf: leaf(1, 9, 9, 1, 11, 0, 1, 0, 0) }, 'broken'],
    ['the highest sub', { leaf: leaf(1, 9, 3, 1, 11, most, 2, 0, most) }, 'taken'],
    ['a key of another kind', { leaf: leaf(1, 9, 3, 3, 11, 0, 1, 0, 0) }, 'broken'],
    ['the key before', { leaf: leaf(1, 9, 3, 1, 3, 0, 1, 0, 0) }, 'order'],
    ['below its branch key', { leaf: leaf(1, 9, 3, 1, 10, 0, 1, 0, 0) }, 'order'],
    ['a last key that the next leaf begins with', { leaf: leaf(1, 9, 3, 1, 11, 0, 1, 10, 0) }, 'order'],
    ['a last key below it', { leaf: leaf(1, 9, 3, 1, 11, 0, 1, 9, most) }, 'taken'],
    ['the highest revision', { leaf: leaf(1, 9, 3, 1, 11, 0, 1, most - 11, 0) }, 'order'],
    ['a higher revision', { leaf: leaf(1, 9, 3, 1, 11, 0, 1, most - 10, 0) }, 'broken'],
    ['the root itself', { root: numbers(2) }, 'shared'],
    ['a meta page', { root: numbers(1) }, 'range'],
    ['a page behind the last', { root: numbers(2 ** 20) }, 'range'],
    ['the highest page', { root: numbers(most) }, 'range'],
    ['a page without a look', { root: numbers(2 ** 20 - 1) }, 'record'],
    ['overflow up to the last page', { overflow: 2 ** 20 - 7 }, 'taken'],
    ['overflow behind it', { overflow: 2 ** 20 - 6 }, 'range'],
    ['a branch without children', { branch: numbers(0) }, 'broken'],
    ['a branch of itself', { branch: numbers(1, 1, 1, 0, 3) }, 'shared'],
    ['a child twice', { branch: numbers(2, 1, 1, 0, 4, 1, 10, 0, 4) }, 'shared'],
    ['a child of another database', { branch: numbers(1, 1, 1, 0, 2 ** 32 + 4) }, 'range'],
    ['a branch key above its leaf', { branch: numbers(1, 1, 1, 1, 4) }, 'order'],
    ['a branch key for a tombstone', { branch: numbers(1, 2, 1, 0, 4) }, 'order'],
  ]
  for (const [what, change, said] of cases) t.same(walked(t, what, crafted(change, [3, 1, 5])), new Map([[said, 1]]), what)
  t.end()
})

test('without room for all looks the slow walk has them where they are', (t) => {
  const { bytes } = readKubernetes('hour-00')
  const plan = { pageBytes: 4096, seed: 3 }
  const take: Take = (collector) => {
    for (const [from, to] of cuts(bytes.length, 100_003))
      collector.take(lookSegment(bytes.subarray(from, to), from, plan), bytes.subarray(from, to), from)
  }
  const said: string[] = []
  const limited = (most: number) =>
    withWalk(looks(most), (fast) => (...place) => {
      const found = fast(...place)
      said.push(typeof found === 'string' ? found : 'taken')
      return found
    })
  const whole = outcome(plan, limited(2 ** 30), take)
  for (let most = 0; said.length < 3 || said.at(-1) === 'room'; most += 4000)
    t.same(outcome(plan, limited(most), take), whole, `${most} bytes`)
  const without = said.indexOf('taken', 1) - 1
  t.ok(without > 10, `${without} memories had too little room`)
  t.same(said, ['taken', ...Array(without).fill('room'), 'taken'])
  t.end()
})

test('a record that is cut is not read on in what lies behind it', (t) => {
  const look = decodeLook(crafted({}, [3, 1, 1]))
  const behind = encodeLook({ ...look, firstPage: 100, index: new Uint32Array(5).fill(0x01010101) })
  t.same(walked(t, 'whole', encodeLook(look), behind), taken(1))
  for (let cut = 1; cut <= look.ends[4]! - look.index[4]!; cut++) {
    const shorter = encodeLook({ ...look, records: look.records.subarray(0, -cut) })
    t.notOk(walked(t, `${cut} bytes less`, shorter, behind).has('taken'), `${cut} bytes less`)
  }
  t.end()
})

test('a stream may be concluded again', (t) => {
  const { bytes } = readKubernetes('hour-00')
  const notes: Notes = new Map()
  const collector = statusCollector({ pageBytes: 4096, seed: 3 }, noted(notes))
  collector.take(lookSegment(bytes, 0, { pageBytes: 4096, seed: 3 }), bytes, 0)
  t.same(collector.conclude(), collector.conclude())
  t.same(notes, taken(2))
  t.end()
})
