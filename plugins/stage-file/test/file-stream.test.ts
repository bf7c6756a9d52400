import { appendFileSync, truncateSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { test } from 'tap'
import type { Test } from 'tap'
import { fileStream } from '../src/file-stream.ts'
import { source } from '../src/source.ts'
import { listener, readAll, snapshotOf } from './source-reading.ts'

async function readFile(t: Test, content: Buffer, change?: (path: string) => void) {
  const path = `${t.testdir({})}/snap`
  writeFileSync(path, content)
  const { context, hash, warnings, digests } = listener()
  let fired = 0
  const between = change && (() => void (fired++ === 0 && change(path)))
  const reading = readAll(await source.open({ path }, context), hash, between)
  return { reading, warnings, digests, fired: () => fired }
}

test('a snapshot is read exactly and its trailer verified', async (t) => {
  for (const bytes of [512, 4096, 512 * 1024, 512 * 1024 - 512, 3 << 20]) {
    const content = snapshotOf(bytes)
    const { reading, digests } = await readFile(t, content)
    const { bytes: read, facts } = await reading
    t.ok(content.equals(read))
    t.same(facts, { trailer_verified: true })
    t.equal(digests(), 1)
  }
})

test('a snapshot with a changed byte is refused', async (t) => {
  for (const at of [100, 4095, 4096, 4127]) {
    const content = snapshotOf(4096)
    content[at] ^= 1
    const { reading } = await readFile(t, content)
    await t.rejects(reading, {
      code: 'KPIPE_TRAILER_MISMATCH',
      message: /snap ends with a SHA-256 that does not match the 4096 bytes before it/,
    })
  }
})

test('a file that is no snapshot, or has no trailer, is read unverified', async (t) => {
  const contents = [
    Buffer.alloc(0),
    Buffer.alloc(1),
    Buffer.alloc(32),
    Buffer.alloc(544),
    snapshotOf(4096).subarray(0, 4096),
    Buffer.alloc(3 << 20, 1),
  ]
  for (const content of contents) {
    const { reading, digests } = await readFile(t, content)
    const { bytes, facts } = await reading
    t.ok(content.equals(bytes), `${content.length} bytes`)
    t.same(facts, { trailer_verified: false })
    t.equal(digests(), 0)
  }
})

test('a file that shrinks while it is read is refused', async (t) => {
  const { reading, fired } = await readFile(t, Buffer.alloc(3 << 20), (path) => truncateSync(path, 2 << 20))
  await t.rejects(reading, { code: 'KPIPE_SIZE_MISMATCH', message: /shrank while it was read: 2097152 of 3145728 bytes were there/ })
  t.ok(fired() > 0)
})

test('a file that grows while it is read is refused', async (t) => {
  const { reading, fired } = await readFile(t, Buffer.alloc(3 << 20), (path) => appendFileSync(path, 'more'))
  await t.rejects(reading, { code: 'KPIPE_SIZE_MISMATCH', message: /grew while it was read: it had 3145728 bytes/ })
  t.ok(fired() > 0)
})

test('a file that is written to while it is read gives a warning', async (t) => {
  const { reading, warnings, fired } = await readFile(t, Buffer.alloc(3 << 20, 1), (path) => {
    writeFileSync(path, Buffer.alloc(3), { flag: 'r+' })
  })
  await reading
  t.ok(fired() > 0)
  t.match(warnings, [/snap was written to while it was read/])
})

test('of its file it says what it says of its pieces', async (t) => {
  const path = `${t.testdir({})}/snap`
  writeFileSync(path, Buffer.alloc(8192))
  const stream = await source.open({ path }, listener().context)
  const { failed } = stream.file!
  t.match(failed(4096), { code: 'KPIPE_SIZE_MISMATCH', message: /snap shrank while it was read: 4096 of 8192 bytes were there$/ })
  const refused = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5 })
  t.match(failed(4096, refused), { code: 'KPIPE_SOURCE_DIED', message: /snap cannot be read on at byte 4096: / })
  appendFileSync(path, 'more')
  await t.rejects(stream.end(), { code: 'KPIPE_SIZE_MISMATCH', message: /grew while it was read: it had 8192 bytes$/ })
  await stream.close()
})

test('a file whose first bytes cannot be read is told with the place', async (t) => {
  const path = `${t.testdir({})}/snap`
  writeFileSync(path, snapshotOf(4096))
  const [handle, other] = await Promise.all([open(path), open(path)])
  const stat = await handle.stat()
  await handle.close()
  const facts = { path, stat, name: 'snap', facts: {}, context: listener().context }
  await t.rejects(fileStream({ ...facts, handle }), { code: 'KPIPE_SOURCE_DIED', message: /snap cannot be read on at byte 0: / })
  const stream = await fileStream({ ...facts, handle: other })
  t.match(stream.file, { trailer: { position: 4096 } })
  await stream.close()
})

test('an interrupted run stops reading', async (t) => {
  const path = `${t.testdir({})}/snap`
  writeFileSync(path, Buffer.alloc(3 << 20))
  const controller = new AbortController()
  const { context, hash } = listener(controller.signal)
  let pieces = 0
  const stop = () => void (pieces++, controller.abort(new Error('stop')))
  await t.rejects(readAll(await source.open({ path }, context), hash, stop), { message: 'stop' })
  t.equal(pieces, 1)
})
