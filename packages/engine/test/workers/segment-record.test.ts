import { randomBytes } from 'node:crypto'
import t from 'tap'
import { decodeRecord, encodeRecord } from '../../src/workers/segment-record.ts'

t.test('a record gives back what was put into it', async (t) => {
  const segment = { position: 2 ** 40 + 4096, bytes: 2 ** 20, prints: randomBytes(64), look: randomBytes(100) }
  t.same(decodeRecord(encodeRecord(segment)), segment)
  const empty = { position: 0, bytes: 5, prints: new Uint8Array(0), look: new Uint8Array(0) }
  t.same(decodeRecord(encodeRecord(empty)), empty)
})

t.test('what has another length than it says is none', async (t) => {
  const record = encodeRecord({ position: 0, bytes: 4096, prints: randomBytes(32), look: randomBytes(7) })
  for (let length = 0; length < record.length; length++) t.equal(decodeRecord(record.slice(0, length)), undefined)
  t.equal(decodeRecord(Buffer.concat([record, Buffer.alloc(1)])), undefined)
  record[20]! ^= 1
  t.equal(decodeRecord(record), undefined, 'of another format')
})
