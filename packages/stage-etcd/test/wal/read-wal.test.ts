import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { crc32c } from '@kpipe/bolt'
import { test } from 'tap'
import type { Test } from 'tap'
import { readWal } from '../../src/wal/read-wal.ts'
import { message } from '../../src/restore/raft-messages.ts'
import { restored } from '../restore/vectors.ts'

const name = '0000000000000000-0000000000000000.wal'
/** Of a member that was killed right after 40 writes; the database beside it had come to index 252. */
const crashed = gunzipSync(readFileSync(join(import.meta.dirname, '../fixtures/crash-3.6.16.wal.gz')))

function folderWith(t: Test, files: Record<string, Uint8Array>): string {
  const folder = t.testdir()
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes)
  return folder
}

test('the log of a killed member is ahead of its database', async (t) => {
  const folder = folderWith(t, {
    [name]: crashed,
    '0.tmp': Buffer.alloc(64, 1),
    '0000000000000000-0000000000000000.wal.broken': Buffer.alloc(9),
  })
  t.match(await readWal(folder, 252), { lastIndex: 256, commit: 255, entries: 4, writes: 2, fault: undefined })
  t.match(await readWal(folder, 256), { lastIndex: 256, entries: 0, writes: 0 })
  const all = await readWal(folder, 0)
  t.equal(all.entries, 256)
  t.ok(all.writes > 100 && all.writes < 256)
})

test('the log of a restored member holds its members alone', async (t) => {
  const folder = folderWith(t, { [name]: Buffer.concat([restored('3.6.16-m1.wal'), Buffer.alloc(4096)]) })
  t.same(await readWal(folder, 3), {
    lastIndex: 3,
    commit: 3,
    entries: 0,
    writes: 0,
    memberId: 0xe765e731bd1bb1a3n,
    clusterId: 0x60418e96a4f95d7bn,
    fault: undefined,
  })
  t.match(await readWal(folder, 0), { entries: 3, writes: 0 })
})

/** Where the records of a file end. */
function frames(bytes: Buffer): number[] {
  const ends: number[] = []
  for (let at = 0; at + 8 <= bytes.length && bytes.readBigUInt64LE(at) !== 0n;) {
    const pad = bytes[at + 7]! & 0x80 ? bytes[at + 7]! & 7 : 0
    at += 8 + bytes.readUInt32LE(at) + pad
    ends.push(at)
  }
  return ends
}

test('a log goes on in the next file, with the same chain', async (t) => {
  const cut = frames(crashed)[100]!
  // The second file begins with the chain's value so far.
  const first = crashed.subarray(0, cut)
  const chained = (crc: number) => Buffer.concat([recordOf(4, crc), crashed.subarray(cut)])
  const next = '0000000000000001-0000000000000060.wal'
  t.match(await readWal(folderWith(t, { [name]: first, [next]: chained(crcAt(crashed, 100)) }), 0), { entries: 256, fault: undefined })
  const later = await readWal(folderWith(t, { [name]: Buffer.from('never read'), [next]: chained(crcAt(crashed, 100)) }), 252)
  t.match(later, { entries: 4, fault: undefined }, 'and reading begins where it has to')
  const broken = await readWal(folderWith(t, { [name]: first, [next]: chained(5) }), 0)
  t.match(broken, { fault: `${next} is damaged at byte 0` })
  const apart = '0000000000000002-0000000000000060.wal'
  t.match(await readWal(folderWith(t, { [name]: first, [apart]: chained(crcAt(crashed, 100)) }), 0), { fault: /no file number 1/ })
})

/** Field 2 of the record before this one's end. */
function crcAt(bytes: Buffer, record: number): number {
  const ends = frames(bytes)
  let at = ends[record - 1]! + 8 + 3
  let crc = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!
    crc += (byte & 127) * 2 ** shift
    if (byte < 128) return crc
  }
}

/** A file of these records, with the chain that belongs to them. */
function logOf(...records: readonly (readonly [type: number, data: Uint8Array])[]): Buffer {
  let crc = 0
  const parts = [recordOf(4, 0)]
  for (const [type, data] of records) {
    crc = crc32c(new DataView(data.buffer, data.byteOffset, data.length), 0, data.length, crc)
    parts.push(recordOf(type, crc, data))
  }
  return Buffer.concat(parts)
}

function recordOf(type: number, crc: number, data?: Uint8Array): Buffer {
  const record = message([1, BigInt(type)], [2, BigInt(crc)], data && [3, data])
  const pad = (8 - (record.length % 8)) % 8
  const length = Buffer.alloc(8)
  length.writeUInt32LE(record.length)
  if (pad > 0) length[7] = 0x80 | pad
  return Buffer.concat([length, record, Buffer.alloc(pad)])
}

/** A put, of an etcd that leaves out zeros or of one that does not; or the empty entry of a new leader. */
const entry = (index: number, term = 1, data?: Uint8Array) => message([2, BigInt(term)], [3, BigInt(index)], data && [4, data])
const put = message([4, message([1, 'key'], [2, 'value'])])
const authenticate = message([1012, message([1, 'root'])])

test('a later entry takes the place of those that were never agreed', async (t) => {
  const entries = [1, 2, 3, 4, 5].map((index) => [2, entry(index, 1, put)] as const)
  t.match(await readWal(folderWith(t, { [name]: logOf(...entries) }), 1), { lastIndex: 5, entries: 4, writes: 4, fault: undefined })
  const led = logOf(...entries, [2, entry(3, 2)], [3, message([1, 2n], [3, 3n])], [2, entry(4, 2, authenticate)])
  t.match(await readWal(folderWith(t, { [name]: led }), 1), { lastIndex: 4, commit: 3, entries: 3, writes: 1, fault: undefined })
})

test('requests of version 2 in a log of 3.4, wrapped or not, are no writes of keys', async (t) => {
  const old = message([1, 7n], [2, 'PUT'], [3, '/0/version'], [4, '3.4.0'], [5, 0n], [6, ''], [7, 0n], [9, 0n], [10, 0n])
  const log = logOf([2, entry(1, 1, put)], [2, entry(2, 1, old)], [2, entry(3, 1, message([2, old]))], [2, entry(4)])
  t.match(await readWal(folderWith(t, { [name]: log }), 0), { lastIndex: 4, entries: 4, writes: 1, fault: undefined })
})

test('entries that do not follow, and records that are none of raft, are told', async (t) => {
  const gap = logOf([2, entry(1)], [2, entry(2)], [2, entry(5)])
  t.match(await readWal(folderWith(t, { [name]: gap }), 0), { entries: 2, fault: 'entry 5 follows 2' })
  const foreign = logOf([2, entry(1)], [2, Buffer.from([0xff, 0xff])])
  t.match(await readWal(folderWith(t, { [name]: foreign }), 0), { entries: 1, fault: /no message of raft/ })
  t.match(await readWal(folderWith(t, {}), 0), { lastIndex: 0, entries: 0 }, 'a folder without a log has none')
})

test('a record that was being written when the machine stopped ends the log; damage elsewhere is told', async (t) => {
  const ends = frames(crashed)
  const position = ends.at(-2)!
  const torn = Buffer.concat([crashed, Buffer.alloc(4096)])
  torn.fill(0, position + 8, Math.max(ends.at(-1)!, position + 600))
  t.match(await readWal(folderWith(t, { [name]: torn }), 252), { fault: undefined })
  const cut = crashed.subarray(0, ends.at(-1)! - 3)
  t.match(await readWal(folderWith(t, { [name]: cut }), 252), { fault: undefined })
  const flipped = Buffer.from(crashed)
  flipped[ends[50]! + 20]! ^= 1
  t.match(await readWal(folderWith(t, { [name]: flipped }), 0), { fault: `${name} is damaged at byte ${ends[50]}` })
  const huge = Buffer.from(crashed)
  huge.writeUInt32LE(0xffffffff, ends[50]!)
  t.match(await readWal(folderWith(t, { [name]: huge }), 0), { fault: /damaged/ })
})

test('whatever a log is made of, reading it ends', async (t) => {
  const folder = t.testdir()
  const ends = frames(crashed)
  let faults = 0
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(crashed.subarray(0, ends.at(-1)! + 64))
    for (let n = 0; n <= round % 3; n++) bytes[(round * 7919 + n * 104_729) % bytes.length]! ^= 1 << (round % 8)
    writeFileSync(join(folder, name), bytes.subarray(0, round % 5 === 0 ? (round * 131) % bytes.length : bytes.length))
    const { fault, entries } = await readWal(folder, 0)
    if (fault !== undefined) faults++
    if (entries > 256) t.fail(`round ${round}: ${entries} entries`)
  }
  t.ok(faults > 200, `${faults} of 300 were told`)
})
