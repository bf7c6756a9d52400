import { test } from 'tap'
import { elementTable, reachedPages, readBucketValue, readElements, readFreelist } from '../src/page.ts'

/** A leaf page of 256 bytes with the elements `key 1`, `value 1`, `key 2` and an empty value. */
function leaf(): DataView {
  const bytes = new Uint8Array(256)
  const view = new DataView(bytes.buffer)
  view.setUint16(10, 2, true)
  for (const [i, word] of [0, 32, 5, 7, 0, 28, 5, 0].entries()) view.setUint32(16 + 4 * i, word, true)
  bytes.set(new TextEncoder().encode('key 1value 1key 2'), 48)
  return view
}

test('elements lie where their table says', async (t) => {
  const table = elementTable()
  t.equal(readElements(leaf(), 0, 256, true, 2, table), undefined)
  t.same([...table.cells.subarray(0, 8)], [0, 48, 5, 7, 0, 60, 5, 0])
  t.equal(table.contiguous, true)
})

test('a gap between elements is seen, one before the first is none', async (t) => {
  const table = elementTable()
  const view = leaf()
  view.setUint32(36, 29, true)
  t.equal(readElements(view, 0, 256, true, 2, table), undefined)
  t.equal(table.contiguous, false)
  t.equal(readElements(view, 0, 256, true, 1, table), undefined)
  t.equal(table.contiguous, true)
})

test('elements that leave their page or each other’s place are refused', async (t) => {
  const faults: [number, number, RegExp][] = [
    [20, 31, /element 0 begins inside/],
    [20, 0xffffffff, /element 0 ends outside/],
    [24, 0, /element 0 has an empty key/],
    [24, 0xffffffff, /element 0 ends outside/],
    [28, 0xffffffff, /element 0 ends outside/],
    [28, 8, /element 1 begins inside/],
    [36, 0, /element 1 begins inside/],
    [44, 192, /element 1 ends outside/],
  ]
  for (const [at, word, reason] of faults) {
    const view = leaf()
    view.setUint32(at, word, true)
    t.match(readElements(view, 0, 256, true, 2, elementTable()), reason)
  }
  t.match(readElements(leaf(), 0, 256, true, 16, elementTable()), /do not fit/)
  t.match(readElements(leaf(), 0, 256, true, 0xffff, elementTable()), /do not fit/)
})

test('bucket headers that are too short or no leaf are refused', async (t) => {
  const view = new DataView(new ArrayBuffer(64))
  t.equal(readBucketValue(view, 0, 15), 'bucket header of 15 bytes')
  t.equal(readBucketValue(view, 0, 31), 'inline bucket of 31 bytes')
  t.match(readBucketValue(view, 0, 32), /page flags 0/)
  view.setUint16(24, 2, true)
  t.same(readBucketValue(view, 0, 32), { root: 0, sequence: 0n, count: 0 })
  view.setUint8(0, 9)
  view.setUint8(8, 3)
  t.same(readBucketValue(view, 0, 16), { root: 9, sequence: 3n, count: 0 })
})

test('a freelist of more than 65534 pages has its count in front', async (t) => {
  const view = new DataView(new ArrayBuffer(64))
  view.setUint16(10, 0xffff, true)
  view.setUint8(16, 2)
  view.setUint8(24, 5)
  view.setUint8(32, 7)
  t.same(readFreelist(view, 0, 64), [5, 7])
  t.match(readFreelist(view, 0, 32), /does not fit/)
  t.match(readFreelist(view, 0, 20), /without its count/)
  view.setUint8(32, 5)
  t.match(readFreelist(view, 0, 64), /do not ascend/)
  view.setUint32(20, 0xffffffff, true)
  t.match(readFreelist(view, 0, 64), /does not fit/)
})

test('a page is reached once, its overflow included, and only inside the database', async (t) => {
  const reached = reachedPages(20)
  reached.reach(5, 3)
  t.same([4, 5, 8, 9].map(reached.has), [false, true, true, false])
  for (const [page, overflow, code] of [
    [8, 0, 'shared'],
    [3, 2, 'shared'],
    [1, 0, 'range'],
    [20, 0, 'range'],
    [18, 2, 'range'],
    [9, 0xffffffff, 'range'],
    [2 ** 53, 0, 'range'],
  ] as const) {
    t.throws(() => reached.reach(page, overflow), { code })
  }
})
