import { createHash } from 'node:crypto'
import { chmodSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { hashKv, memoryPages, openBolt, statusOf } from '@kpipe/bolt'
import { snapFile } from '../../src/restore/snap-file.ts'
import { walFileBytes, walOf } from '../../src/restore/wal.ts'
import { make } from './making.ts'
import { alarmedSnapshot, contentOf, crashedDatabase, restored, snapshotOf, threeMemberCluster, threeMembers, versions } from './vectors.ts'

const everything = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()
const hashes = async (database: Uint8Array) => [
  (await statusOf(memoryPages(database))).hash,
  (await hashKv(await openBolt(memoryPages(database)))).hash,
]
const wal = '0000000000000000-0000000000000000.wal'
const snap = '0000000000000001-0000000000000003.snap'

for (const [version, form] of versions) {
  test(`the data directory of a snapshot of etcd ${version} is what its own tool makes of it`, async (t) => {
    const dataDir = join(t.testdir(), 'm1.etcd')
    const { facts } = await make(snapshotOf(version), { dataDir, ...threeMembers(), noBump: true, etcdVersion: form })
    t.same(everything(dataDir), ['member', 'member/snap', `member/snap/${snap}`, 'member/snap/db', 'member/wal', `member/wal/${wal}`])
    for (const name of everything(dataDir)) {
      const status = statSync(join(dataDir, name))
      t.equal(status.mode & 0o777, status.isDirectory() ? 0o700 : 0o600, name)
    }
    t.equal(statSync(dataDir).mode & 0o777, 0o700)
    const log = readFileSync(join(dataDir, 'member/wal', wal))
    const theirs = restored(`${version}-m1.wal`)
    t.ok(log.subarray(0, theirs.length).equals(theirs))
    t.equal(log.length, walFileBytes)
    t.ok(log.subarray(theirs.length).every((byte) => byte === 0))
    t.ok(readFileSync(join(dataDir, 'member/snap', snap)).equals(snapFile(threeMemberCluster(), form)))
    const ours = readFileSync(join(dataDir, 'member/snap/db'))
    const [content, expected] = [await contentOf(ours), await contentOf(restored(`${version}-m1.db.gz`))]
    if (form === '3.4') {
      // That tool leaves the members of the old cluster, on which 3.6 and 3.7 do not start.
      for (const { id } of threeMemberCluster().members) t.match(content.get(`members/${id.toString(16)}`), String(id))
      t.equal(content.get('meta/term'), '\0\0\0\0\0\0\0\x01')
      for (const database of [content, expected])
        for (const name of database.keys()) if (/^members|^meta\/term/.test(name)) database.delete(name)
    } else {
      t.same(await hashes(ours), await hashes(restored(`${version}-m1.db.gz`)))
    }
    t.same([...content], [...expected])
    t.ok(ours.length < 40_000, 'and it is compact')
    t.match(facts, { member_id: 'e765e731bd1bb1a3', cluster_id: '60418e96a4f95d7b', revision: 142, bumped_to: null, etcd: form })
  })
}

test('a bump gives the database that the tool of 3.6 makes', async (t) => {
  const dataDir = join(t.testdir(), 'm1.etcd')
  const { facts, warnings } = await make(snapshotOf('3.6.16'), { dataDir, ...threeMembers(), bumpRevision: 1_000_000 })
  const [ours, theirs] = [readFileSync(join(dataDir, 'member/snap/db')), restored('3.6.16-m1-bump1000000.db.gz')]
  t.same([...(await contentOf(ours))], [...(await contentOf(theirs))])
  t.same(await hashes(ours), await hashes(theirs))
  t.match(facts, { revision: 142, bumped_to: 1_000_142, kubernetes: true })
  t.match(warnings.join('\n'), /revisions go on from 1000142, 1000000 above the snapshot's 142/)
})

test('data of Kubernetes are bumped unless told otherwise, and it is said', async (t) => {
  const folder = t.testdir()
  const bumped = await make(snapshotOf('3.7.3'), { dataDir: join(folder, 'a') })
  t.match(bumped.facts, { bumped_to: 1_000_000_142, kubernetes: true, members: 1 })
  t.match(bumped.warnings.join('\n'), /data of Kubernetes, so revisions go on from 1000000142/)
  const content = await contentOf(readFileSync(join(folder, 'a/member/snap/db')))
  t.equal(Buffer.from(content.get('meta/scheduledCompactRev')!, 'latin1').readBigUInt64BE(), 1_000_000_142n)
  const left = await make(snapshotOf('3.7.3'), { dataDir: join(folder, 'b'), noBump: true })
  t.match(left.facts, { bumped_to: null })
  t.match(left.warnings.join('\n'), /data of Kubernetes, and revisions go on from 142/)
  const other = await make(alarmedSnapshot(), { dataDir: join(folder, 'c') })
  t.match(other.facts, { bumped_to: null, kubernetes: false })
})

test('an alarm, authentication and the members of 3.4 are told', async (t) => {
  const folder = t.testdir()
  const alarmed = await make(alarmedSnapshot(), { dataDir: join(folder, 'alarmed') })
  t.match(alarmed.warnings.join('\n'), /alarm NOSPACE: .*alarm disarm/)
  t.match(alarmed.facts, { alarms: ['NOSPACE'], auth_enabled: false })
  const old = await make(snapshotOf('3.4.23'), { dataDir: join(folder, 'old') })
  t.match(old.warnings.join('\n'), /authentication is on/)
  t.match(old.warnings.join('\n'), /etcd 3\.4 or older, whose own restore leaves the old cluster's members/)
  t.match(old.facts, { auth_enabled: true, snapshot_etcd: '3.4', etcd: '3.5' })
})

test('an older etcd than that of the snapshot is refused, unless forced, and then the database says so', async (t) => {
  const folder = t.testdir()
  for (const [version, etcdVersion] of [
    ['3.6.16', '3.5'],
    ['3.7.3', '3.6'],
    ['3.5.35', '3.4'],
  ] as const) {
    const dataDir = join(folder, version)
    await t.rejects(make(snapshotOf(version), { dataDir, etcdVersion }), { code: 'KPIPE_USAGE', message: /which is older/ })
    t.same(everything(folder).filter((name) => name.startsWith(version) || name.startsWith('.')), []) // prettier-ignore
    const { warnings, facts } = await make(snapshotOf(version), { dataDir, etcdVersion, force: true })
    t.match(warnings.join('\n'), `now says that it is of ${etcdVersion}`)
    t.match(facts, { etcd: etcdVersion })
    const content = await contentOf(readFileSync(join(dataDir, 'member/snap/db')))
    t.equal(content.get('cluster/clusterVersion'), `${etcdVersion}.0`)
    t.equal(content.get('meta/storageVersion'), etcdVersion === '3.6' ? '3.6.0' : undefined)
  }
  await make(snapshotOf('3.4.23'), { dataDir: join(folder, 'newer'), etcdVersion: '3.7' })
})

test('a folder that is there must be empty, and keeps what it is', async (t) => {
  const folder = t.testdir({ full: { file: '' }, file: '', empty: {}, linked: {} })
  symlinkSync('nowhere', join(folder, 'dangling'))
  symlinkSync('linked', join(folder, 'link'))
  for (const name of ['full', 'file', 'dangling'])
    await t.rejects(make(snapshotOf('3.6.16'), { dataDir: join(folder, name) }), { code: 'KPIPE_TARGET_EXISTS' })
  chmodSync(join(folder, 'empty'), 0o750)
  const before = lstatSync(join(folder, 'empty')).ino
  for (const name of ['empty', 'link']) {
    await make(snapshotOf('3.6.16'), { dataDir: join(folder, name) })
    t.same(readdirSync(join(folder, name)), ['member'])
  }
  t.match(lstatSync(join(folder, 'empty')), { ino: before })
  t.equal(lstatSync(join(folder, 'empty')).mode & 0o777, 0o750)
})

test('the log goes where it is told to, which must not exist', async (t) => {
  const folder = t.testdir({ there: {}, empty: {} })
  const at = (...names: string[]) => join(folder, ...names)
  await t.rejects(make(snapshotOf('3.6.16'), { dataDir: at('a'), walDir: at('there') }), { code: 'KPIPE_TARGET_EXISTS' })
  await t.rejects(make(snapshotOf('3.6.16'), { dataDir: at('a'), walDir: at('a') }), { code: 'KPIPE_USAGE' })
  t.same(readdirSync(folder).toSorted(), ['empty', 'there'])
  for (const [dataDir, walDir] of [
    [at('apart'), at('logs', 'wal')],
    [at('inside'), at('inside', 'wal')],
    [at('empty'), at('empty', 'deep', 'wal')],
  ] as const) {
    if (walDir.startsWith(at('logs'))) mkdirSync(at('logs'))
    await make(snapshotOf('3.6.16'), { dataDir, walDir })
    t.same(readdirSync(walDir), [wal])
    t.equal(statSync(walDir).mode & 0o777, 0o700)
    t.same(readdirSync(join(dataDir, 'member')), ['snap'])
  }
  t.same(readdirSync(folder).toSorted(), ['apart', 'empty', 'inside', 'logs', 'there'])
})

test('nothing is left when a snapshot proves bad, the run is interrupted, or somebody makes the folder meanwhile', async (t) => {
  const folder = t.testdir()
  const dataDir = join(folder, 'new', 'data')
  const walDir = join(folder, 'wal')
  const good = snapshotOf('3.6.16')
  const flipped = Buffer.from(good)
  flipped[20_000] ^= 1
  const rehashed = (bytes: Buffer) => Buffer.concat([bytes, createHash('sha256').update(bytes).digest()])
  const broken = Buffer.from(good.subarray(0, -32))
  broken.fill(0xff, 2 * 4096, 4 * 4096)
  const bad: [Uint8Array, string][] = [
    [flipped, 'KPIPE_TRAILER_MISMATCH'],
    [good.subarray(0, -32), 'KPIPE_USAGE'],
    [rehashed(broken), 'KPIPE_BOLT_INVALID'],
    [rehashed(Buffer.alloc(8192)), 'KPIPE_BOLT_INVALID'],
  ]
  for (const [bytes, code] of bad) {
    await t.rejects(make(bytes, { dataDir, walDir }), { code })
    t.same(readdirSync(folder), [], code)
  }
  const signal = AbortSignal.abort()
  await t.rejects(make(good, { dataDir, walDir }, { signal }), { code: 'KPIPE_INTERRUPTED' })
  t.same(readdirSync(folder), [])
  const beforeCommit = () => {
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'theirs'), '')
  }
  await t.rejects(make(good, { dataDir, walDir }, { beforeCommit }), { code: 'KPIPE_TARGET_EXISTS' })
  t.same(everything(folder), ['new', 'new/data', 'new/data/theirs'])
})

test('a copied database without a digest is taken when that is said, that of a killed member too', async (t) => {
  const folder = t.testdir()
  const { facts } = await make(snapshotOf('3.6.16').subarray(0, -32), { dataDir: join(folder, 'copied'), skipHashCheck: true })
  t.match(facts, { revision: 142 })
  const killed = crashedDatabase()
  await t.rejects(make(killed, { dataDir: join(folder, 'killed') }), { code: 'KPIPE_USAGE', message: /does not end with its SHA-256/ })
  const made = await make(killed, { dataDir: join(folder, 'killed'), skipHashCheck: true, noBump: true })
  t.match(made.facts, { revision: 180, snapshot_etcd: '3.6' })
  const database = readFileSync(join(folder, 'killed/member/snap/db'))
  t.ok(database.length < 100_000 && killed.length > 16_000_000, 'what lies behind its content is left out')
  t.same((await hashes(database))[1], (await hashes(killed))[1])
})

test('the logs of 3.5 are written for a snapshot of 3.4, when nobody says what is to run on it', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  await make(snapshotOf('3.4.23'), { dataDir, ...threeMembers() })
  const log = readFileSync(join(dataDir, 'member/wal', wal))
  const expected = walOf(threeMemberCluster(), '3.5')
  t.ok(log.subarray(0, expected.length).equals(expected))
})

test('settings that contradict each other are refused before anything is written', async (t) => {
  const folder = t.testdir()
  const dataDir = join(folder, 'data')
  const refused = [{ bumpRevision: 5, noBump: true }, { name: 'other', initialCluster: 'm=http://a:1' }, { owner: 'no-such-user-here' }]
  for (const settings of refused) await t.rejects(make(snapshotOf('3.6.16'), { dataDir, ...settings }), { code: 'KPIPE_USAGE' })
  t.same(readdirSync(folder), [])
})

const root = process.geteuid!() === 0

test('the owner is who is told, or who has the folder that it stands in', async (t) => {
  const folder = t.testdir({ theirs: { empty: {} } })
  const at = (...names: string[]) => join(folder, ...names)
  const owners = (path: string) => {
    const { uid, gid } = statSync(path)
    return `${uid}:${gid}`
  }
  if (!root) {
    await t.rejects(make(snapshotOf('3.6.16'), { dataDir: at('told'), owner: '0:0' }), { code: 'KPIPE_USAGE', message: /only root/ })
    const { warnings } = await make(snapshotOf('3.6.16'), { dataDir: at('mine') })
    t.notMatch(warnings.join('\n'), /belong/)
    return
  }
  const { chownSync } = await import('node:fs')
  chownSync(at('theirs'), 4321, 4322)
  chownSync(at('theirs', 'empty'), 4321, 4322)
  const told = await make(snapshotOf('3.6.16'), { dataDir: at('told'), walDir: at('wal'), owner: '4323:4324' })
  for (const name of ['told', 'told/member', 'told/member/snap/db', 'wal', `wal/${wal}`]) t.equal(owners(at(name)), '4323:4324', name)
  t.match(told.warnings.join('\n'), /belong to 4323:4324$/m)
  for (const name of ['empty', 'beside']) {
    const { warnings, facts } = await make(snapshotOf('3.6.16'), { dataDir: at('theirs', name) })
    for (const inner of ['', 'member', 'member/snap', 'member/snap/db', `member/wal/${wal}`])
      t.equal(owners(at('theirs', name, inner)), '4321:4322', inner)
    t.match(warnings.join('\n'), /belong to 4321:4322, as the folder does that they stand in/)
    t.match(facts, { owner: '4321:4322' })
  }
})
