import { Readable } from 'node:stream'
import { test } from 'tap'
import { inputStream } from '../src/input-stream.ts'
import { listener, readAll, snapshotOf } from './source-reading.ts'

function* inPieces(content: Buffer, length: number) {
  // A stream gives its buffers away.
  for (let at = 0; at < content.length; at += length) yield Buffer.from(content.subarray(at, at + length))
}

async function read(content: Buffer, pieceBytes: number) {
  const { context, hash } = listener()
  return readAll(inputStream(Readable.from(inPieces(content, pieceBytes)), 'host:-', context), hash)
}

test('the trailer is verified however the bytes arrive', async (t) => {
  const content = snapshotOf(4096)
  for (const pieceBytes of [1, 7, 31, 32, 33, 4095, 4096, 4097, 4128, 5000]) {
    const { bytes, facts } = await read(content, pieceBytes)
    t.ok(content.equals(bytes), `pieces of ${pieceBytes}`)
    t.same(facts, { trailer_verified: true })
  }
})

test('a changed byte is refused however the bytes arrive', async (t) => {
  const content = snapshotOf(4096)
  content[2000] ^= 1
  for (const pieceBytes of [1, 32, 33, 4096, 5000]) {
    await t.rejects(read(content, pieceBytes), { code: 'KPIPE_TRAILER_MISMATCH', message: /^standard input ends with/ })
  }
})

test('anything else passes unverified', async (t) => {
  for (const bytes of [0, 1, 31, 32, 33, 64, 544, 10_000]) {
    for (const pieceBytes of [1, 40, 20_000]) {
      const content = Buffer.alloc(bytes, 'abc')
      const { bytes: passed, facts } = await read(content, pieceBytes)
      t.ok(content.equals(passed), `${bytes} bytes in pieces of ${pieceBytes}`)
      t.same(facts, { trailer_verified: false })
    }
  }
})

test('an interrupted run does not wait for more input', async (t) => {
  const controller = new AbortController()
  const { context, hash } = listener(controller.signal)
  const silent = new Readable({ read: () => undefined })
  const reading = readAll(inputStream(silent, 'host:-', context), hash)
  controller.abort(new Error('stop'))
  await t.rejects(reading, { message: 'stop' })
  t.equal(silent.destroyed, true)
})

test('input that fails ends the stream with the reason', async (t) => {
  const failing = new Readable({ read: () => undefined })
  const { context, hash } = listener()
  const reading = readAll(inputStream(failing, 'host:-', context), hash)
  failing.destroy(Object.assign(new Error('read EIO'), { errno: -5, code: 'EIO' }))
  await t.rejects(reading, { code: 'KPIPE_SOURCE_DIED', message: 'standard input cannot be read: i/o error (EIO)' })
})
