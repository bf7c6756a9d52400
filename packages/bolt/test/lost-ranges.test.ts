import { test } from 'tap'
import { lostRows } from '../src/index.ts'
import type { LostRange } from '../src/index.ts'

const key = (number: number | undefined): Uint8Array | undefined => (number === undefined ? undefined : Uint8Array.of(number))

function range(from: number | undefined, until: number | undefined, bucket = 'key'): LostRange {
  return { kind: 'lost', path: bucket === '' ? [] : [Buffer.from(bucket)], from: key(from), until: key(until), page: 1, leaf: true }
}

test('a key is among lost rows when any range holds it, and a range when it meets any', (t) => {
  const lists: (readonly LostRange[])[] = [
    [],
    [range(10, 20)],
    [range(undefined, 3), range(3, 9), range(12, 13), range(40, 50), range(50, undefined)],
    [range(undefined, undefined)],
    [range(5, 6, 'auth'), range(7, 8)],
    [range(5, 6, 'auth')],
  ]
  for (const list of lists) {
    const rows = lostRows(list)
    const ofKeys = list.filter(({ path }) => Buffer.from(path[0]!).toString() === 'key')
    t.equal(rows.none, ofKeys.length === 0)
    const inside = (number: number): boolean =>
      ofKeys.some(({ from, until }) => number >= (from?.[0] ?? -1) && number < (until?.[0] ?? 256))
    for (let number = 0; number < 60; number++) t.equal(rows.has(key(number)!), inside(number), `${number}`)
    for (const [from, until] of [
      [0, 5],
      [4, 10],
      [9, 12],
      [9, 13],
      [13, 40],
      [13, 41],
      [20, 21],
      [55, 56],
    ] as const) {
      // prettier-ignore
      const expected = Array.from({ length: until - from }, (_, n) => from + n).some(inside)
      t.equal(rows.meets(key(from), key(until)), expected, `${from} to ${until}`)
    }
    t.equal(rows.meets(undefined, undefined), ofKeys.length > 0)
  }
  t.end()
})

test('where buckets are lost, all rows may be', (t) => {
  const rows = lostRows([range(undefined, undefined, '')])
  t.ok(!rows.none && rows.has(key(1)!) && rows.meets(key(1), key(2)))
  t.end()
})
