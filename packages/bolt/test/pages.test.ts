import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { filePages, memoryPages, statusOf } from '../src/index.ts'
import { buildDatabase } from './database.ts'
import { readDatabase } from './fixtures.ts'

const snapshot = join(import.meta.dirname, 'fixtures/snap-3.6.16.db')

test('a file and memory give the same pages and the same status', async (t) => {
  const file = await filePages(snapshot)
  t.teardown(() => file.close())
  const memory = memoryPages(readFileSync(snapshot))
  t.match(file, { bytes: 73_728, pageBytes: 4096 })
  t.match(memory, { bytes: 73_728, pageBytes: 4096 })
  t.same(Buffer.from(await file.read(3, 2)), Buffer.from(await memory.read(3, 2)))
  t.same(await statusOf(file), await statusOf(memory))
})

test('the second meta page is found in a file, also at the largest page size', async (t) => {
  for (const pageBytes of [1024, 65_536, 16 << 20]) {
    const { bytes } = buildDatabase({ items: [] }, { pageBytes })
    bytes[20] = 9
    const path = join(t.testdir(), 'db')
    writeFileSync(path, bytes)
    const file = await filePages(path)
    t.equal(file.pageBytes, pageBytes)
    await file.close()
  }
})

test('a file that is no database is refused', async (t) => {
  for (const content of ['', 'x', 'no database '.repeat(1000)]) {
    await t.rejects(filePages(join(t.testdir({ db: content }), 'db')), { code: 'not-bolt' })
  }
  t.throws(() => memoryPages(new Uint8Array(9000)), { code: 'not-bolt' })
})

test('a file that is cut while it is read is truncated', async (t) => {
  const path = join(t.testdir(), 'db')
  writeFileSync(path, readDatabase('snap-3.6.16.db'))
  const file = await filePages(path)
  t.teardown(() => file.close())
  truncateSync(path, 10_000)
  await t.rejects(statusOf(file), { name: 'BoltError', code: 'truncated' })
})
