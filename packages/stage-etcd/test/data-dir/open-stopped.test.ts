import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { hostname } from 'node:os'
import { memoryPages, openBolt, statusOf, walk } from '@kpipe/bolt'
import type { KpipeError } from '@kpipe/engine/contracts'
import { sourceConformance } from '@kpipe/engine/testing'
import { test } from 'tap'
import { source } from '../../src/source.ts'
import { trailerOf } from '../fake-etcd.ts'
import { failureOf, reading } from '../reading.ts'
import { crashedDatabase, restored } from '../restore/vectors.ts'
import { raftSnapshot, stoppedMember, walName } from './stopped-member.ts'

/** Bytes up to the high-water mark of the crash vector. */
const contentBytes = 73_728
const pageBytes = 4096

async function items(bytes: Uint8Array): Promise<string[]> {
  const found: string[] = []
  for await (const { path, key, value, sequence } of walk(await openBolt(memoryPages(bytes))))
    found.push([...path, key, value ?? `sequence ${sequence}`].map((part) => Buffer.from(part).toString('hex')).join(' '))
  return found
}

test('the database of a killed member is a snapshot, cut to its content, with a trailer', async (t) => {
  const { dataDir } = stoppedMember(t)
  const into = reading()
  const stream = await into.open({ dataDir })
  t.match(stream.name, /^[0-9a-f]{16}$/)
  t.match(stream.member, /^[0-9a-f]{16}$/)
  t.match(stream.facts, {
    cluster_id: stream.name,
    member_id: stream.member,
    member_name: 'm1',
    endpoint: dataDir,
    data_dir: dataDir,
    wal_dir: `${dataDir}/member/wal`,
    cluster_members: [{ id: stream.member, name: 'm1', peer_urls: [/^http/] }],
    consistent_index: 252,
    wal_last_index: 256,
    wal_commit: 255,
    wal_entries_newer: 4,
    wal_writes_newer: 2,
    wal_fault: null,
  })
  t.same(into.warnings, [
    `4 entries of the log in ${dataDir}/member/wal, 2 of them writes, are newer than the database, which is at index 252, and the snapshot lacks them`,
  ])
  const bytes = await into.all(stream)
  t.same(await stream.end(), { trailer_verified: false })
  await stream.close()
  t.equal(bytes.length, contentBytes + 32)
  t.equal(stream.bytes, bytes.length)
  const content = bytes.subarray(0, contentBytes)
  t.ok(bytes.subarray(contentBytes).equals(trailerOf(content)))
  t.ok(content.subarray(2 * pageBytes).equals(crashedDatabase().subarray(2 * pageBytes, contentBytes)))
  t.same(await items(content), await items(crashedDatabase()))
  t.match(await statusOf(memoryPages(bytes)), { revision: 180, consistentIndex: 252, totalSize: contentBytes })
})

test('both meta pages of the snapshot are the current one', async (t) => {
  const whole = crashedDatabase()
  const txidOf = (page: number, bytes = whole) => bytes.readBigUInt64LE(page * pageBytes + 64)
  const newest = txidOf(0) > txidOf(1) ? 0 : 1
  const taken = async (database: Buffer) => {
    const into = reading()
    const stream = await into.open({ dataDir: stoppedMember(t, database).dataDir })
    const bytes = await into.all(stream)
    await stream.close()
    return bytes
  }
  const bytes = await taken(whole)
  t.same(
    [0, 1].map((page) => bytes.readBigUInt64LE(page * pageBytes)),
    [0n, 1n],
  )
  t.same(
    [0, 1].map((page) => txidOf(page, bytes)),
    [txidOf(newest), txidOf(newest)],
  )
  for (const page of [0, 1]) {
    const damaged = Buffer.from(bytes)
    damaged.fill(0, page * pageBytes, page * pageBytes + 80)
    t.same(await items(damaged), await items(whole), `without meta page ${page}`)
  }
  const torn = Buffer.from(whole)
  torn[newest * pageBytes + 40]! ^= 1
  t.equal(txidOf(0, await taken(torn)), txidOf(1 - newest), 'where its write was cut, the one before it')
})

const snapAt = (index: number) => `member/snap/0000000000000002-${index.toString(16).padStart(16, '0')}.snap`
const storeWith = (...paths: string[]) => ({ Root: { Children: Object.fromEntries(['0', '1', '2'].map((name) => [name, { Children: Object.fromEntries(paths.filter((path) => path.startsWith(name)).map((path) => [path, {}])) }])) } }) // prettier-ignore

test('data of version 2 is warned of, by the newest snapshot of raft that is whole', async (t) => {
  const told = async (files: Record<string, Uint8Array>) => {
    const { dataDir, at } = stoppedMember(t)
    for (const [name, bytes] of Object.entries(files)) writeFileSync(at(name), bytes)
    const into = reading()
    const stream = await into.open({ dataDir })
    await stream.close()
    const warned = into.warnings.filter((warning) => warning === `${dataDir} holds data of version 2 of etcd, which is in no snapshot`)
    t.equal(warned.length, stream.facts.v2_data === true ? 1 : 0)
    return stream.facts.v2_data
  }
  t.equal(await told({}), null)
  t.equal(await told({ [snapAt(3)]: restored('3.4.23-m1.snap') }), false, 'members are no data')
  t.equal(await told({ [snapAt(3)]: raftSnapshot(storeWith('1/key')) }), true)
  t.equal(await told({ [snapAt(3)]: raftSnapshot(storeWith('2/users')) }), true)
  t.equal(await told({ [snapAt(3)]: raftSnapshot(storeWith('1/key')), [snapAt(200)]: raftSnapshot(storeWith()) }), false)
  const broken = Buffer.from(raftSnapshot(storeWith()))
  broken[20]! ^= 1
  t.equal(await told({ [snapAt(3)]: raftSnapshot(storeWith('1/key')), [snapAt(200)]: broken }), true)
  t.equal(await told({ [snapAt(200)]: broken }), null)
  t.equal(await told({ [snapAt(3)]: raftSnapshot(null) }), null)
})

test('a newer database that waits to be put in place is warned of', async (t) => {
  const { dataDir, at } = stoppedMember(t)
  const warnings = async () => {
    const into = reading()
    await (await into.open({ dataDir })).close()
    return into.warnings.filter((warning) => warning.includes('a newer database'))
  }
  writeFileSync(at(snapAt(300)), raftSnapshot(storeWith()))
  t.same(await warnings(), [], 'a snapshot of raft alone is none')
  writeFileSync(at('member/snap/000000000000012c.snap.db'), 'x')
  t.match(await warnings(), [/holds 000000000000012c\.snap\.db, /])
  rmSync(at(snapAt(300)))
  writeFileSync(at(snapAt(200)), raftSnapshot(storeWith()))
  t.same(await warnings(), [], 'one that etcd has gone past is none')
})

test('the log may lie elsewhere, and without one nothing is said of it but that', async (t) => {
  const { dataDir, at } = stoppedMember(t, crashedDatabase(), 'elsewhere')
  const into = reading()
  const there = await into.open({ dataDir, walDir: at('elsewhere') })
  await there.close()
  t.match(there.facts, { wal_dir: at('elsewhere'), wal_entries_newer: 4 })

  const without = reading()
  const stream = await without.open({ dataDir })
  await stream.close()
  t.equal(stream.name, `${hostname()}:${dataDir}`)
  t.equal(stream.member, '')
  t.match(stream.facts, { cluster_id: '', member_name: '', wal_last_index: null, wal_entries_newer: null, wal_writes_newer: null })
  t.match(without.warnings, [/^no log of etcd is in .*member\/wal: .* at index 252, is not known$/])

  t.match(await failureOf({ dataDir, walDir: at('nowhere') }), {
    code: 'KPIPE_SOURCE_UNREACHABLE',
    message: `${at('nowhere')} cannot be read: no such file or directory (ENOENT)`,
  })
  writeFileSync(at('elsewhere', walName), Buffer.alloc(64, 7))
  const damaged = reading()
  await (await damaged.open({ dataDir, walDir: at('elsewhere') })).close()
  t.match(damaged.warnings, [/^no log of etcd is in/])
})

test('what is no data directory, and what may not be read, is one sentence', async (t) => {
  const { dataDir, at, database } = stoppedMember(t)
  mkdirSync(at('empty'))
  writeFileSync(at('file'), '')
  t.match(await failureOf({ dataDir: at('empty') }), {
    code: 'KPIPE_SOURCE_UNREACHABLE',
    message: `${at('empty')} is no data directory of etcd: there is no member/snap/db in it`,
  })
  t.match(await failureOf({ dataDir: at('missing') }), {
    code: 'KPIPE_SOURCE_UNREACHABLE',
    message: `${at('missing')} cannot be read: no such file or directory (ENOENT)`,
  })
  t.match(await failureOf({ dataDir: at('file') }), { code: 'KPIPE_SOURCE_UNREACHABLE' })
  chmodSync(database, 0)
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    t.match(await failureOf({ dataDir }), {
      code: 'KPIPE_SOURCE_UNREACHABLE',
      message: `${database} cannot be read: permission denied (EACCES)`,
    })
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

test('a database that is none of etcd, or is cut, is refused before anything is sent', async (t) => {
  const whole = crashedDatabase()
  const refusals: [string, Buffer, RegExp][] = [
    ['something else', Buffer.alloc(8192, 'x'), /no valid meta page/],
    ['nothing', Buffer.alloc(0), /no valid meta page/],
    ['cut', whole.subarray(0, contentBytes - pageBytes), /has 69632 bytes, its high-water mark is at 73728/],
  ]
  for (const [what, database, seen] of refusals) {
    const { dataDir } = stoppedMember(t, database)
    t.match(await failureOf({ dataDir }), { code: 'KPIPE_BOLT_INVALID', message: seen }, what)
  }
})

test('a database that moves while it is read is refused before it gets its trailer', async (t) => {
  const moves: [string, (database: string) => unknown, Partial<KpipeError> | Record<string, unknown>][] = [
    ['a page', (database) => write(database, 5 * pageBytes, 'x'), { code: 'KPIPE_SOURCE_REFUSED', message: /db changed while it was read: it was written to$/ }], // prettier-ignore
    ['a meta page', (database) => write(database, pageBytes + 64, '\x7f'), { code: 'KPIPE_SOURCE_REFUSED', message: /its meta pages changed$/ }], // prettier-ignore
    ['the end', (database) => write(database, 20_000_000, 'x'), { code: 'KPIPE_SOURCE_REFUSED', message: /length changed from 16801792 to 20000001 bytes$/ }], // prettier-ignore
    ['the file', (database) => (writeFileSync(`${database}.new`, crashedDatabase()), renameSync(`${database}.new`, database)), { code: 'KPIPE_SOURCE_REFUSED', message: /another file has taken its place$/ }], // prettier-ignore
    ['the path', (database) => rmSync(database), { code: 'KPIPE_SOURCE_DIED', message: /cannot be read: no such file or directory/ }],
  ]
  for (const [what, move, expected] of moves) {
    const { dataDir, database } = stoppedMember(t)
    const into = reading()
    const stream = await into.open({ dataDir })
    let moved = 0
    const failure = await (async () => {
      for await (const piece of stream.read()) {
        into.take(piece)
        if (moved++ === 0) await move(database)
      }
      return undefined
    })().catch((error: unknown) => error)
    await stream.close()
    t.equal(moved, 1, `${what}: one piece, then nothing more`)
    t.equal(into.taken, contentBytes)
    t.match(failure, expected, what)
  }
})

test('a database that is cut while it is read is refused', async (t) => {
  const { dataDir, database } = stoppedMember(t)
  const stream = await reading().open({ dataDir })
  writeFileSync(database, crashedDatabase().subarray(0, contentBytes - 100))
  await t.rejects(reading().all(stream), { code: 'KPIPE_SIZE_MISMATCH', message: /shrank while it was read: 73628 of 73728 bytes/ })
  await stream.close()
})

async function write(path: string, position: number, text: string): Promise<void> {
  const handle = await open(path, 'r+')
  await handle.write(text, position, 'latin1')
  await handle.close()
}

test('settings of a connection beside a data directory are refused, and a log without one', async (t) => {
  const { dataDir } = stoppedMember(t)
  const refusals: [object, string][] = [
    [{ dataDir, endpoints: ['127.0.0.1:1'], cacert: 'ca.crt' }, 'the setting endpoints, cacert, which a data directory has no use for'],
    [{ dataDir, username: 'root', password: 'x' }, 'the setting username, password,'],
    [{ dataDir, member: 'm1' }, 'the setting member,'],
    [{ walDir: dataDir }, 'the setting walDir without dataDir'],
    [{ dataDir, evidence: 'required' }, 'evidence: required, and a data directory has no members to ask'],
  ]
  for (const [settings, seen] of refusals) {
    const failure = await failureOf(settings)
    t.equal(failure.code, 'KPIPE_PIPELINE_INVALID')
    t.ok(failure.message.includes(seen), failure.message)
  }
})

for (const { title, run } of sourceConformance(source, async () => place!)) {
  test(`a stopped member: ${title}`, async (t) => {
    const { dataDir } = stoppedMember(t)
    const into = reading()
    const stream = await into.open({ dataDir })
    place = { settings: { dataDir }, bytes: new Uint8Array(await into.all(stream)) }
    await stream.close()
    await t.resolves(run())
  })
}
/** Of the case that runs: they run one after the other. */
let place: { readonly settings: { readonly dataDir: string }; readonly bytes: Uint8Array } | undefined
