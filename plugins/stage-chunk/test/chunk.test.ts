import { test } from 'tap'
import chunk from '../src/index.ts'
import { boltHead } from './bolt-file.ts'

const auto = { algorithm: 'auto' } as const

test('a bbolt file is cut at its pages', async (t) => {
  t.same(chunk.plan(boltHead(16384), auto), { id: 'page/16384', pageBytes: 16384 })
})

test('any other stream is cut every 64 KiB, and the plan says so', async (t) => {
  t.same(chunk.plan(new Uint8Array(1), auto), { id: 'page/65536', pageBytes: 65536 })
})

test('a page size in the settings wins over the meta pages', async (t) => {
  t.same(chunk.plan(boltHead(4096), { algorithm: 'page', pageBytes: 8192 }), { id: 'page/8192', pageBytes: 8192 })
})

test('a segment may end at the last whole page', async (t) => {
  const plan = chunk.plan(boltHead(4096), auto)
  t.equal(chunk.anchor(new Uint8Array(4096 * 3 + 32), plan), 4096 * 3)
  t.equal(chunk.anchor(new Uint8Array(4096), plan), 4096)
  t.equal(chunk.anchor(new Uint8Array(4095), plan), 0)
})

test('chunks end where pages end, the last one where the bytes end', async (t) => {
  const plan = chunk.plan(boltHead(4096), auto)
  t.same([...chunk.cut(new Uint8Array(4096 * 2 + 32), plan)], [4096, 8192, 8224])
  t.same([...chunk.cut(new Uint8Array(new SharedArrayBuffer(8192)), plan)], [4096, 8192])
  t.same([...chunk.cut(new Uint8Array(1), plan)], [1])
  t.same([...chunk.cut(new Uint8Array(0), plan)], [])
})

test('cutting up to an anchor and then the rest gives the same chunks', async (t) => {
  const plan = chunk.plan(boltHead(512), auto)
  for (let bytes = 1; bytes < 3000; bytes += 97) {
    const whole = [...chunk.cut(new Uint8Array(bytes), plan)]
    const anchor = chunk.anchor(new Uint8Array(bytes), plan)
    const rest = [...chunk.cut(new Uint8Array(bytes - anchor), plan)].map((end) => end + anchor)
    t.same([...chunk.cut(new Uint8Array(anchor), plan), ...rest], whole)
  }
})
