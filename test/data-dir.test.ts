import { randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { Test } from 'tap'
import { filePages, hashKv, openBolt } from '../packages/bolt/src/index.ts'
import { freePorts } from '../scripts/etcd/free-ports.ts'
import { getEtcd, type EtcdLine } from '../scripts/etcd/get-etcd.ts'
import { runTool } from '../scripts/etcd/run-tool.ts'
import { startEtcd, type RunningEtcd } from '../scripts/etcd/start-etcd.ts'
import { loopbackEnv } from '../scripts/loopback-env.ts'
import { alone, deleteKeys, differences, etcdClient, kubernetesLike, readKeys, withEtcd, writeKeys } from './support/etcd.ts'
import { brokenDisk } from './support/broken-disk.ts'
import { fails } from './support/failing.ts'
import { etcdctl, memberState, serverHashKv } from './support/member-state.ts'
import { clone } from './support/kpipe.ts'
import { lastLine, place, type Place } from './support/place.ts'

/** Those that most of this is done on; `KPIPE_TEST_ETCD` may name others, as `3.4,3.5,3.6,3.7`. */
const lines = (process.env['KPIPE_TEST_ETCD'] ?? '3.4,3.6').split(',') as EtcdLine[]
const memberAlone = ['--name', 'm1', '--initial-cluster', 'm1=http://localhost:2380']
const vectors = join(clone, 'packages/bolt/test/fixtures')

/** Starts etcd on a data directory; it is stopped whatever happens. */
async function withDataDir<T>(line: EtcdLine, dataDir: string, use: (etcd: RunningEtcd) => Promise<T>): Promise<T> {
  const etcd = await startEtcd(await getEtcd({ version: line }), { dataDir, name: 'm1', extraArgs: alone })
  try {
    return await use(etcd)
  } finally {
    await etcd.stop()
  }
}

/** Many small keys, long values, deletions, compacted history, leases with keys and without, users and roles. */
async function history(etcd: RunningEtcd): Promise<void> {
  await writeKeys(etcd.clientUrl, kubernetesLike().take(400))
  await writeKeys(
    etcd.clientUrl,
    Array.from({ length: 3 }, (_, n): [string, Buffer] => [`big/${n}`, randomBytes(300_000)]),
  )
  const client = etcdClient(etcd.clientUrl)
  try {
    const lease = client.lease(3600, { autoKeepAlive: false })
    for (let n = 0; n < 5; n++) await lease.put(`leased/${n}`).value(randomBytes(5000))
    await client.lease(7200, { autoKeepAlive: false }).grant()
    lease.release()
    await deleteKeys(etcd.clientUrl, ['big/1', 'leased/3'])
    const { header } = await client.kv.range({ key: Buffer.from('big/0') })
    await client.kv.compact({ revision: header.revision, physical: true })
  } finally {
    client.close()
  }
  await deleteKeys(etcd.clientUrl, ['leased/4'])
  await writeKeys(etcd.clientUrl, kubernetesLike(1).take(50))
  await etcdctl(etcd, ['user', 'add', 'alice:alicepw'])
  await etcdctl(etcd, ['role', 'add', 'reader'])
  await etcdctl(etcd, ['role', 'grant-permission', 'reader', 'read', '/registry/', '/registry0'])
  await etcdctl(etcd, ['user', 'grant-role', 'alice', 'reader'])
}

const everything = async (etcd: RunningEtcd) => ({ keys: await readKeys(etcd.clientUrl), state: await memberState(etcd) })

/** HashKV from the database's own bytes. */
async function databaseHashKv(dataDir: string) {
  const pages = await filePages(join(dataDir, 'member/snap/db'))
  try {
    return await hashKv(await openBolt(pages))
  } finally {
    await pages.close()
  }
}

async function restored(at: Place, ...words: string[]): Promise<Record<string, unknown>> {
  const ended = await at.kpipe(['restore', 'latest', '--json', ...words])
  if (ended.code !== 0) throw new Error(`restore ended with ${ended.code}: ${ended.stderr}${ended.stdout}`)
  return lastLine(ended)
}

async function backedUp(at: Place): Promise<void> {
  const { code, stdout, stderr } = await at.kpipe(['run', '--json'])
  if (code !== 0) throw new Error(`run ended with ${code}: ${stderr}${stdout}`)
}

for (const line of lines) {
  test(`a data directory of a snapshot of etcd ${line} boots, with every key, lease and user`, async (t) => {
    const { at, before, hash } = await withEtcd(line, async (etcd) => {
      await history(etcd)
      const at = await place(t, `{ use: etcd, with: { endpoints: ['${etcd.clientUrl}'] } }`)
      await backedUp(at)
      return { at, before: await everything(etcd), hash: await serverHashKv(etcd) }
    })
    t.ok(before.keys.size > 400 && before.state.leases.length === 2 && before.state.users.length === 1)
    // A snapshot of 3.4 is what people move to a newer etcd with.
    for (const boots of line === '3.4' ? lines.filter((newer) => newer !== '3.5') : [line]) {
      const dataDir = `on-${boots}`
      await restored(at, '--data-dir', dataDir, '--no-bump', ...memberAlone)
      t.same(await databaseHashKv(at.at(dataDir)), hash, 'HashKV of the new database is what the server said of its own')
      await withDataDir(boots, at.at(dataDir), async (etcd) => {
        t.same(await serverHashKv(etcd), hash, `on ${boots}`)
        const after = await everything(etcd)
        t.same(differences(before.keys, after.keys), [])
        t.same(after.state, before.state)
        t.match(await etcdctl(etcd, ['member', 'list']), /^[0-9a-f]+, started, m1, http:\/\/localhost:2380/, 'the new member alone')
        await etcdctl(etcd, ['put', 'after', 'restore'])
        await etcdctl(etcd, ['defrag'])
        const snapshot = at.at(`snap-${boots}`)
        await etcdctl(etcd, ['snapshot', 'save', snapshot])
        const { etcdutl, etcdctl: older } = etcd.binaries
        const status = await runTool(etcdutl ?? older, ['snapshot', 'status', snapshot, '-w', 'json'], {
          env: { ...loopbackEnv(), ETCDCTL_API: '3' },
        })
        t.match(JSON.parse(status), { revision: hash.revision + 1 }, 'etcd takes a snapshot of it that its own tools accept')
      })
    }
  })
}

interface LiveKey {
  readonly key: string
  readonly value?: string
  readonly mod_revision: number
}

/** Snapshots of real servers, and the etcd that their data directories are booted with; an older one needs force. */
const boots: readonly (readonly [version: string, line: EtcdLine, older?: true])[] = [
  ['3.4.23', '3.4'],
  ['3.5.35', '3.5'],
  ['3.5.35', '3.6'],
  ['3.6.16', '3.6'],
  ['3.4.23', '3.7'],
  ['3.6.16', '3.7'],
  ['3.7.3', '3.7'],
  ['3.7.3', '3.6', true],
  ['3.6.16', '3.5', true],
  ['3.6.16', '3.4', true],
]
for (const [version, line, older] of boots) {
  test(`etcd ${line} goes on from a snapshot of ${version} at a higher revision, with authentication and passwords as they were`, async (t) => {
    const at = await place(t, '{ use: file, with: { path: ./input } }')
    copyFileSync(join(vectors, `snap-${version}.db`), at.at('input'))
    await backedUp(at)
    const forced = older ? ['--force', '--etcd-version', line] : []
    const made = await restored(at, '--data-dir', 'data', ...memberAlone, ...forced)
    t.match(made, { bumped_to: 1_000_000_142, auth_enabled: true, kubernetes: true })
    const { kvs } = JSON.parse(readFileSync(join(vectors, `snap-${version}.livekeys.json`), 'utf8')) as { kvs: LiveKey[] }
    await withDataDir(line, at.at('data'), async (etcd) => {
      await t.rejects(etcdctl(etcd, ['get', 'a']), /user name is empty/)
      const found = JSON.parse(await etcdctl(etcd, ['get', '', '--from-key', '-w', 'json'], 'root:rootpw')) as { kvs: LiveKey[]; header: { revision: number } } // prettier-ignore
      const plain = (keys: readonly LiveKey[]) => keys.map(({ key, value = '', mod_revision: revision }) => [key, value, revision])
      t.same(plain(found.kvs), plain(kvs))
      t.equal(found.header.revision, 1_000_000_142)
      const { users, leases } = await memberState(etcd, 'root:rootpw')
      t.equal(users.length, 3)
      t.equal(leases.length, 2)
      await etcdctl(etcd, ['get', 'many/', '--prefix'], 'alice:alicepw')
      await t.rejects(etcdctl(etcd, ['watch', 'a', '--rev', '141'], 'root:rootpw'), /canceled|compacted/)
    })
  })
}

test('a disk that runs full while the data directory is made leaves nothing of it', async (t) => {
  const at = await place(t, '{ use: file, with: { path: ./input } }')
  copyFileSync(join(vectors, 'snap-3.6.16.db'), at.at('input'))
  await backedUp(at)
  for (const on of ['/member/snap/db$', '/member/snap/.*[.]snap$', '[.]logs[.].*[.]wal$']) {
    const broken = brokenDisk(at, 'ENOSPC', { on, from: 1 })
    const expected = {
      code: 'KPIPE_TARGET_FAILED',
      says: ['data cannot be written', 'ENOSPC'],
      hint: /Check space and permissions/,
    } as const
    await fails(t, at, ['restore', 'latest', '--data-dir', 'data', '--wal-dir', 'logs'], expected, broken.options)
    t.ok(broken.times() > 0, on)
  }
})

for (const line of lines)
  test(`three members that are restored from one snapshot of etcd ${line} form a cluster, with the same HashKV`, (t) =>
    threeMembers(t, line))

async function threeMembers(t: Test, line: EtcdLine): Promise<void> {
  const at = await place(t, '{ use: file, with: { path: ./input } }')
  const { hash, keys } = await withEtcd(line, async (etcd) => {
    await history(etcd)
    await etcdctl(etcd, ['snapshot', 'save', at.at('input')])
    return { hash: await serverHashKv(etcd), keys: await readKeys(etcd.clientUrl) }
  })
  await backedUp(at)
  const peers = (await freePorts(3)).map((port) => `http://127.0.0.1:${port}`)
  const cluster = peers.map((url, n) => `m${n + 1}=${url}`).join()
  for (const [n, url] of peers.entries()) {
    const member = ['--name', `m${n + 1}`, '--initial-advertise-peer-urls', url, '--initial-cluster-token', 'anew']
    await restored(at, '--data-dir', `m${n + 1}`, '--initial-cluster', cluster, '--no-bump', ...member)
  }
  t.same(
    readdirSync(at.folder).filter((name) => name.endsWith('.part')),
    [],
  )
  const binaries = await getEtcd({ version: line })
  const started = await Promise.allSettled(
    peers.map((url, n) =>
      startEtcd(binaries, {
        name: `m${n + 1}`,
        dataDir: at.at(`m${n + 1}`),
        extraArgs: [`--listen-peer-urls=${url}`, `--initial-advertise-peer-urls=${url}`, `--initial-cluster=${cluster}`],
      }),
    ),
  )
  const etcds = started.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value)
  try {
    for (const outcome of started) if (outcome.status === 'rejected') throw outcome.reason
    const ids = new Set<string>()
    for (const etcd of etcds) {
      t.same(await serverHashKv(etcd), hash)
      t.same(differences(keys, await readKeys(etcd.clientUrl)), [])
      for (const [id] of (await etcdctl(etcd, ['member', 'list'])).matchAll(/^[0-9a-f]+(?=, started)/gm)) ids.add(id)
    }
    t.equal(ids.size, 3)
    await etcdctl(etcds[0]!, ['put', 'written', 'to m1'])
    t.match(await etcdctl(etcds[2]!, ['get', 'written']), 'to m1')
    const hashes = new Set(await Promise.all(etcds.map(async (etcd) => (await serverHashKv(etcd)).hash)))
    t.equal(hashes.size, 1)
  } finally {
    await Promise.all(etcds.map((etcd) => etcd.stop()))
  }
}
