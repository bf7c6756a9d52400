import { test } from 'tap'
import { lastPageEnd, pageEnds } from '../src/pages.ts'

test('a segment may end at the last whole page', async (t) => {
  t.equal(lastPageEnd(new Uint8Array(4096 * 3 + 32), 4096), 4096 * 3)
  t.equal(lastPageEnd(new Uint8Array(4096), 4096), 4096)
  t.equal(lastPageEnd(new Uint8Array(4095), 4096), 0)
})

test('chunks end where pages end, the last one where the bytes end', async (t) => {
  t.same([...pageEnds(new Uint8Array(4096 * 2 + 32), 4096)], [4096, 8192, 8224])
  t.same([...pageEnds(new Uint8Array(new SharedArrayBuffer(8192)), 4096)], [4096, 8192])
  t.same([...pageEnds(new Uint8Array(1), 4096)], [1])
  t.same([...pageEnds(new Uint8Array(0), 4096)], [])
})
