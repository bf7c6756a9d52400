import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { openPlace } from '../../src/restore/place.ts'
import { asideName, lookAtStanding } from '../../src/restore/standing.ts'
import { readInitialCluster } from '../../src/restore/initial-cluster.ts'
import { defaults, make } from './making.ts'
import { snapshotOf, threeMembers } from './vectors.ts'

const snapshot = snapshotOf('3.6.16')
const anew = { ...threeMembers(), initialClusterToken: 'anew' }
const everything = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()
const asides = (folder: string) => everything(folder).filter((name) => /before-\d{8}T\d{6}Z$/.test(name))
const nobody = { signal: new AbortController().signal }

test('a data directory that is there is kept beside under its name with the time, and the new one is its owner’s', async (t) => {
  const folder = t.testdir()
  const dataDir = join(folder, 'etcd')
  await make(snapshot, { dataDir, ...threeMembers() })
  const old = everything(dataDir)
  const root = process.geteuid!() === 0
  if (root) chownSync(join(dataDir, 'member'), 4321, 4322)
  await t.rejects(make(snapshot, { dataDir, ...anew }), { code: 'KPIPE_TARGET_EXISTS' })
  const { facts, warnings } = await make(snapshot, { dataDir, ...anew, moveAside: true })
  const [name, ...more] = asides(folder)
  t.same([more, facts['moved_aside']], [[], [join(folder, name!)]])
  t.match(name, /^etcd\.before-/)
  t.same(everything(join(folder, name!)), old)
  t.match(warnings.join('\n'), `what was there before is kept as ${join(folder, name!)}`)
  t.same(everything(dataDir), old)
  if (root) {
    for (const inner of ['', 'member', 'member/snap/db']) t.equal(statSync(join(dataDir, inner)).uid, 4321, inner)
    t.match(warnings.join('\n'), /belong to 4321:4322, as those did that were there/)
  }
  t.same(
    readdirSync(folder).filter((other) => other.endsWith('.part')),
    [],
  )
})

test('the member that would be made is not moved aside for itself', async (t) => {
  const folder = t.testdir()
  for (const walDir of [undefined, join(folder, 'wal')]) {
    const dataDir = join(folder, walDir === undefined ? 'one' : 'two')
    const settings = { dataDir, ...anew, ...(walDir && { walDir }) }
    await make(snapshot, settings)
    await t.rejects(make(snapshot, { ...settings, moveAside: true }), { code: 'KPIPE_TARGET_EXISTS', details: { made_before: true } })
  }
  t.same(asides(folder), [])
})

test('a log of its own is kept beside, too, and goes along where it lies inside', async (t) => {
  const folder = t.testdir()
  const at = (...names: string[]) => join(folder, ...names)
  for (const walDir of [at('logs', 'wal'), at('etcd', 'wal')]) {
    mkdirSync(at('logs'), { recursive: true })
    await make(snapshot, { dataDir: at('etcd'), walDir, ...threeMembers() })
    const { facts } = await make(snapshot, { dataDir: at('etcd'), walDir, ...anew, moveAside: true })
    t.equal((facts['moved_aside'] as string[]).length, walDir === at('etcd', 'wal') ? 1 : 2)
    t.match(readdirSync(walDir), [/\.wal$/])
    rmSync(folder, { recursive: true })
    mkdirSync(folder)
  }
})

test('a link to a data directory stays, and what it leads to is kept', async (t) => {
  const folder = t.testdir()
  await make(snapshot, { dataDir: join(folder, 'disk'), ...threeMembers() })
  symlinkSync('disk', join(folder, 'etcd'))
  await make(snapshot, { dataDir: join(folder, 'etcd'), ...anew, moveAside: true })
  t.equal(asides(folder).length, 1)
  t.same(readdirSync(join(folder, 'etcd')), ['member'])
})

test('a mount point stays, and its member is kept in it', async (t) => {
  const folder = t.testdir({ etcd: { 'lost+found': {} } })
  const dataDir = join(folder, 'etcd')
  await make(snapshot, { dataDir: join(folder, 'made'), ...threeMembers() })
  renameSync(join(folder, 'made', 'member'), join(dataDir, 'member'))
  // What a mount point looks like to the rest; a test may not mount anything.
  const standing = {
    ...(await lookAtStanding(dataDir, undefined, readInitialCluster({ ...defaults, ...anew }), nobody)),
    moves: 'member' as const,
  }
  const place = await openPlace(dataDir, undefined, standing)
  mkdirSync(join(place.data, 'member'))
  const [aside] = await place.publish(undefined)
  t.match(aside, /etcd\/member\.before-/)
  t.ok(existsSync(join(aside!, 'snap/db')))
  t.same(readdirSync(dataDir).length, 3)
  t.same(readdirSync(join(dataDir, 'member')), [])
  rmSync(join(dataDir, 'member'), { recursive: true })
  // As after a crash, when the member was moved and nothing has taken its place.
  await make(snapshot, { dataDir, ...anew, moveAside: true })
  t.same(readdirSync(dataDir).length, 3)
})

test('where a restore ended between two names, the next one goes on, with the owner of what was moved', async (t) => {
  const folder = t.testdir()
  const dataDir = join(folder, 'etcd')
  await make(snapshot, { dataDir, ...threeMembers() })
  renameSync(dataDir, asideName(dataDir))
  const root = process.geteuid!() === 0
  if (root) chownSync(join(folder, readdirSync(folder)[0]!), 4321, 4321)
  await make(snapshot, { dataDir, ...anew, moveAside: true })
  t.equal(statSync(join(dataDir, 'member')).uid, root ? 4321 : process.geteuid!())
})

test('what a killed restore has left is named, and left alone', async (t) => {
  const left = '.etcd.0123456789ab.part'
  const folder = t.testdir({ [left]: { data: {} } })
  const { warnings } = await make(snapshot, { dataDir: join(folder, 'etcd'), ...anew, moveAside: true })
  t.match(warnings.join('\n'), `${left} is of a restore that was killed`)
  t.ok(existsSync(join(folder, left)))
})

test('what is no data directory is not moved, and nothing moves when the new one cannot get its name', async (t) => {
  const folder = t.testdir({ home: { letter: '' }, file: '' })
  for (const name of ['home', 'file'])
    await t.rejects(make(snapshot, { dataDir: join(folder, name), moveAside: true }), { code: 'KPIPE_TARGET_EXISTS' })
  const dataDir = join(folder, 'etcd')
  await make(snapshot, { dataDir, ...threeMembers() })
  const standing = await lookAtStanding(dataDir, undefined, readInitialCluster({ ...defaults, ...anew }), nobody)
  const place = await openPlace(dataDir, undefined, standing)
  rmSync(place.data, { recursive: true })
  await t.rejects(place.publish(undefined), { code: 'ENOENT' })
  await place.abandon()
  t.same(readdirSync(folder).toSorted(), ['etcd', 'file', 'home'])
  const broken = { ...standing, demandStopped: async () => void rmSync(join(other.data), { recursive: true }) }
  const other = await openPlace(dataDir, undefined, broken)
  await t.rejects(other.publish(undefined), { code: 'ENOENT' })
  await other.abandon()
  t.same(readdirSync(folder).toSorted(), ['etcd', 'file', 'home'], 'it has its old name again')
})

test('a data directory that is in use is refused, at the end, too', async (t) => {
  const folder = t.testdir()
  const dataDir = join(folder, 'etcd')
  await make(snapshot, { dataDir, ...threeMembers() })
  /** Holds the lock until its input ends, also with this process. */
  const lock = async () => {
    const child = spawn('flock', ['-x', join(dataDir, 'member/snap/db'), 'sh', '-c', 'echo held; cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    return async () => {
      child.stdin.end()
      await once(child, 'close')
    }
  }
  const first = await lock()
  const refused = { code: 'KPIPE_TARGET_FAILED', message: /is in use, .*an etcd runs on it/ }
  await t.rejects(make(snapshot, { dataDir, ...anew, moveAside: true }), refused)
  await first()
  const standing = await lookAtStanding(dataDir, undefined, readInitialCluster({ ...defaults, ...anew }), nobody)
  const place = await openPlace(dataDir, undefined, standing)
  writeFileSync(join(place.data, 'new'), '')
  const second = await lock()
  await t.rejects(place.publish(undefined), refused)
  await place.abandon()
  await second()
  t.same(readdirSync(folder), ['etcd'])
  t.ok(readFileSync(join(dataDir, 'member/snap/db')).length > 0)
})
