import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { test } from 'tap'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { startEtcd } from '../scripts/etcd/start-etcd.ts'
import { brokenDisk, drafts, onSmallDisk } from './support/broken-disk.ts'
import { writeKeys } from './support/etcd.ts'
import { fails, told } from './support/failing.ts'
import { meanwhile, type KpipeOptions } from './support/kpipe.ts'
import { emptyPlace, filesUnder, filesWith, place, type Place } from './support/place.ts'
import { until } from './support/processes.ts'
import { tcpProxy } from './support/tcp-proxy.ts'

const canary = 'CANARY-77e1c9d2b04a4f5e'
const isRoot = process.getuid?.() === 0
const nobody = 65534

/** Bytes that do not compress, with the canary in every 4 KiB. */
const payload = (mebibytes: number) =>
  Buffer.concat(Array.from({ length: mebibytes * 256 }, () => Buffer.concat([Buffer.from(canary), randomBytes(4096 - canary.length)])))

/** A user whom file permissions hold back: this one, or nobody when this one is root. */
function plainUser(at: Place): KpipeOptions {
  if (!isRoot) return {}
  for (const path of ['.', ...readdirSync(at.folder, { recursive: true, encoding: 'utf8' })]) chownSync(at.at(path), nobody, nobody)
  return { uid: nobody }
}

test('a store that may not be written', async (t) => {
  const at = await place(t, "{ use: file, with: { path: './input' } }")
  writeFileSync(at.at('input'), payload(1))
  const user = plainUser(at)
  t.comment(isRoot ? `as user ${nobody}` : 'as the user who runs the tests')
  t.equal((await at.kpipe(['run', '-q'], user)).code, 0, 'at first it may')
  for (const path of ['log', 'tmp', 'packs', '.']) chmodSync(at.at('repository', path), 0o500)
  const forbidden = {
    code: 'KPIPE_STORE_FORBIDDEN',
    says: [at.at('repository'), 'EACCES'],
    hint: /Run kpipe as a user that may read and write/,
  } as const
  await fails(t, at, ['run'], forbidden, user)
  chmodSync(at.at('repository'), 0o000)
  told(t, await at.kpipe(['snapshots'], user), forbidden)
  chmodSync(at.at('repository'), 0o700)
  for (const path of ['log', 'tmp', 'packs']) chmodSync(at.at('repository', path), 0o700)
  t.equal((await at.kpipe(['run', '-q'], user)).code, 0, 'and then it may again')
  t.equal(await at.logKinds(), 'GENESIS OPEN SNAPSHOT OPEN SNAPSHOT')
})

test('a repository cannot be made where nobody may write', async (t) => {
  const at = emptyPlace(t)
  at.pipeline("{ use: file, with: { path: './input' } }")
  const user = plainUser(at)
  mkdirSync(at.at('repository'), { mode: 0o500 })
  if (isRoot) chownSync(at.at('repository'), 0, 0)
  told(t, await at.kpipe(['init', '--no-recovery-phrase'], user), {
    code: 'KPIPE_STORE_FORBIDDEN',
    says: [at.at('repository'), 'EACCES'],
    hint: /Run kpipe as a user that may/,
  })
  t.same(isRoot ? filesUnder(at.at('repository')) : [], [])
})

test('a full store leaves no half snapshot, and the next run works', async (t) => {
  const at = emptyPlace(t)
  at.pipeline("{ use: file, with: { path: './input' } }")
  writeFileSync(at.at('input'), payload(24))
  const small = onSmallDisk(t, at.at('repository'))
  t.comment(small ? 'on a tmpfs of 4 MiB' : 'no tmpfs can be mounted here: ENOSPC is injected at the call')
  t.equal((await at.kpipe(['init', '--no-recovery-phrase'])).code, 0)
  const broken = small ? undefined : brokenDisk(at, 'ENOSPC', { on: drafts, from: 2 })
  const before = await at.traces()
  const expected = {
    code: 'KPIPE_STORE_FULL',
    says: ['create packs/', at.at('repository'), 'ENOSPC'],
    hint: /Make room where the repository is/,
  } as const
  told(t, await at.kpipe(['run'], broken?.options), expected)
  if (broken) t.ok(broken.times() > 0)
  t.same(await at.traces(), before)
  t.same(filesWith(at.at('repository'), canary), [])
  if (small) t.match((await at.log()).at(-1), { kind: 'ABORT', reason: /ENOSPC/ })
  writeFileSync(at.at('input'), payload(1))
  t.equal((await at.kpipe(['run', '-q'])).code, 0)
  t.equal((await at.kpipe(['restore', 'latest', '-to', 'again'])).code, 0)
  t.ok(readFileSync(at.at('again')).equals(readFileSync(at.at('input'))))
})

test('a restore to a full disk leaves nothing at the target', async (t) => {
  const at = await place(t, "{ use: file, with: { path: './input' } }")
  writeFileSync(at.at('input'), payload(8))
  t.equal((await at.kpipe(['run', '-q'])).code, 0)
  const small = onSmallDisk(t, at.at('small'))
  t.comment(small ? 'on a tmpfs of 4 MiB' : 'no tmpfs can be mounted here: ENOSPC is injected at the call')
  const broken = small ? undefined : brokenDisk(at, 'ENOSPC', { on: '/small/', from: 1 })
  await fails(
    t,
    at,
    ['restore', 'latest', '-to', 'small/snap'],
    { code: 'KPIPE_TARGET_FAILED', says: [`${at.at('small', 'snap')} cannot be written`, 'ENOSPC'], hint: /Check space and permissions/ },
    broken?.options,
  )
  if (broken) t.ok(broken.times() > 0)
  t.same(readdirSync(at.at('small')), [])
})

test('a store that hangs: etcd is let go at once, nothing is published, exit 75', async (t) => {
  const etcd = await startEtcd(await getEtcd({ version: '3.6' }), { extraArgs: ['--unsafe-no-fsync'] })
  t.teardown(() => etcd.stop())
  for (let n = 0; n < 64; n++) await writeKeys(etcd.clientUrl, [[`big/${n}`, payload(1).subarray(0, 1 << 20)]])
  const proxy = await tcpProxy(t, etcd.clientUrl)
  const at = await place(t, `{ use: etcd, with: { location: 'etcd://${proxy.address}' } }`, 'limits: { stallTimeout: 1s }')
  const { snapshots } = await at.traces()
  const broken = brokenDisk(at, 'hang', { on: drafts, from: 2 })
  const { child, ended } = at.spawn(['run'], broken.options)
  await meanwhile(
    until('the stream', () => proxy.open > 0),
    ended,
  )
  await until('etcd is let go', () => proxy.open === 0)
  t.equal(child.exitCode, null, 'while the program still waits for the store to take the end of this backup')
  told(t, await ended, {
    code: 'KPIPE_STORE_STALLED',
    says: ['the store made no progress for 1 s', at.at('repository')],
    hint: /Check the disk or network of the store/,
  })
  t.ok(broken.times() >= 1)
  t.equal((await at.traces()).snapshots, snapshots)
  t.equal((await at.kpipe(['run', '-q'])).code, 0, 'and the next run works')
  t.same(filesWith(at.at('repository'), canary), [])
})

for (const [from, what] of [
  [1, 'OPEN'],
  [2, 'the first pack'],
  [4, 'SNAPSHOT'],
] as const) {
  test(`a store that hangs when ${what} is created: exit 75, and nothing is published`, { timeout: 60_000 }, async (t) => {
    const at = await place(t, "{ use: file, with: { path: './input' } }", 'limits: { stallTimeout: 1s }')
    writeFileSync(at.at('input'), payload(1))
    const broken = brokenDisk(at, 'hang', { on: drafts, from })
    const { child, ended } = at.spawn(['run'], broken.options)
    const tooLong = setTimeout(() => child.kill('SIGKILL'), 30_000)
    told(t, await ended, {
      code: 'KPIPE_STORE_STALLED',
      says: ['no progress for 1 s', at.at('repository')],
      hint: /Check the disk or network of the store/,
    })
    clearTimeout(tooLong)
    t.ok(broken.times() >= 1)
    t.equal((await at.traces()).snapshots, 0)
    t.equal((await at.kpipe(['run', '-q'])).code, 0, 'and the next run works')
  })
}

test('a pack that is deleted, and one with a byte flipped, are found by restore and status, which name the snapshot', async (t) => {
  const at = await place(t, "{ use: file, with: { path: './input' } }")
  copyFileSync('examples/snapshot.db', at.at('input'))
  t.equal((await at.kpipe(['run', '-q'])).code, 0)
  const [{ id }] = JSON.parse((await at.kpipe(['snapshots', '--json'])).stdout) as [{ id: string }]
  const packs = filesUnder(at.at('repository', 'packs')).map((name) => at.at('repository', 'packs', name))
  const pack = packs.toSorted((one, other) => statSync(other).size - statSync(one).size)[0]!
  const sound = readFileSync(pack)
  const damaged = {
    code: 'KPIPE_DAMAGED',
    says: [id.slice(0, 12), pack.split('/').at(-1)!],
    hint: /Restore another snapshot, or bring the named object back/,
  } as const
  const missing = { ...damaged, code: 'KPIPE_OBJECT_MISSING', hint: /Bring the named object back/ } as const
  for (const [bytes, expected] of [
    [Buffer.from(sound).fill(sound[2000]! ^ 1, 2000, 2001), damaged],
    [undefined, missing],
  ] as const) {
    rmSync(pack)
    if (bytes) writeFileSync(pack, bytes)
    const alone = { ...expected, hint: /Bring the named object back .*: no other snapshot of .* has all its objects/ }
    await fails(t, at, ['restore', 'latest', '-to', './snap'], alone)
    await fails(t, at, ['status', 'latest'], expected)
    t.notOk(existsSync(at.at('snap')))
    if (!bytes) writeFileSync(pack, sound)
  }
  t.equal((await at.kpipe(['restore', 'latest', '-to', './snap'])).code, 0, 'with the pack back, all is well')
})
