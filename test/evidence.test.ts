import { closeSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { memoryPages, openBolt, readKeyValue, walk, writeBolt, type BoltItem } from '@kpipe/bolt'
import t from 'tap'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { freePorts } from '../scripts/etcd/free-ports.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { startEtcd, type RunningEtcd } from '../scripts/etcd/start-etcd.ts'
import { deleteKeys, withEtcd, writeKeys } from './support/etcd.ts'
import { etcdctl } from './support/member-state.ts'
import { lastLine, place } from './support/place.ts'

const source = (etcds: readonly RunningEtcd[], more = '') =>
  `{ use: etcd, with: { endpoints: ['${etcds.map(({ clientUrl }) => clientUrl).join("', '")}']${more} } }`

/** Keys written several times, deleted, and compacted at a tombstone, so that some rows of before are superseded later. */
async function writeHistory(etcd: RunningEtcd): Promise<void> {
  const all = (value: string) => Array.from({ length: 60 }, (_, n): [string, Buffer] => [`/k/${n}`, Buffer.from(`${value} ${n}`)])
  await writeKeys(etcd.clientUrl, all('first'))
  await deleteKeys(etcd.clientUrl, ['/k/7', '/k/8'])
  await writeKeys(etcd.clientUrl, all('second').slice(0, 30))
  const { Status } = (JSON.parse(await etcdctl(etcd, ['endpoint', 'status', '-w', 'json'])) as { Status: { header: { revision: number } } }[])[0]! // prettier-ignore
  await etcdctl(etcd, ['compact', '--physical', String(Status.header.revision - 1)])
  await writeKeys(etcd.clientUrl, all('third').slice(20, 40))
}

for (const version of ['3.4', '3.7'] as const) {
  t.test(`an etcd ${version} confirms the history that was read out of the passing pages`, async (t) => {
    await withEtcd(version, async (etcd) => {
      await writeHistory(etcd)
      const at = await place(t, source([etcd]))
      const ended = await at.kpipe(['run', '--json'])
      t.match(lastLine(ended), { evidence: 'agreed', evidence_note: null, attention: [] }, ended.stderr)
      const [row] = JSON.parse((await at.kpipe(['snapshots', '--json'])).stdout) as Record<string, unknown>[]
      t.match(row, { evidence: 'agreed' })
    })
  })
}

t.test('of three members one has another value', async (t) => {
  const binaries = await getEtcd({ version: '3.6' })
  const folders = [1, 2, 3].map(() => ownFolder('kpipe-member-'))
  const peers = (await freePorts(3)).map((port) => `http://127.0.0.1:${port}`)
  const initial = peers.map((url, n) => `m${n + 1}=${url}`).join()
  const start = (n: number) =>
    startEtcd(binaries, {
      name: `m${n + 1}`,
      dataDir: folders[n]!,
      extraArgs: [`--listen-peer-urls=${peers[n]}`, `--initial-advertise-peer-urls=${peers[n]}`, `--initial-cluster=${initial}`],
    })
  const cluster = await Promise.all([0, 1, 2].map(start))
  t.teardown(async () => {
    await Promise.all(cluster.map((etcd) => etcd.stop()))
    folders.forEach(dropFolder)
  })
  await writeHistory(cluster[0]!)
  const at = await place(t, source(cluster))

  const first = await at.kpipe(['run', '--json'])
  t.equal(first.code, 0, first.stderr)
  const good = lastLine(first)
  t.match(good, { evidence: 'agreed', evidence_note: null })
  const told = await at.kpipe(['run'])
  t.match(told.stdout, /^ {2}members +3 of 3 confirm its history$/m)
  t.notMatch((await at.kpipe(['snapshots'])).stdout, 'NOTE')

  await cluster[2]!.stop()
  t.equal(await corrupt(join(folders[2]!, 'member/snap/db')), 1, 'a value was changed')
  cluster[2] = await start(2)
  at.pipeline(source(cluster))

  const second = await at.kpipe(['run', '--json', '--tag', 'doubtful'])
  t.equal(second.code, 3, second.stderr)
  const disputed = lastLine(second)
  t.match(disputed, {
    evidence: 'disputed',
    evidence_note: /^HashKV at revision \d+, compacted at \d+, is \d+ in the snapshot.*; m\d at .* has \d+/,
    attention: [/^members disagree, so the snapshot is marked as disputed and latest passes over it: HashKV/],
  })
  const wrong = await at.kpipe(['run', '--json', '--member', 'm3'])
  t.equal(wrong.code, 3)
  t.match(lastLine(wrong), { evidence: 'disputed', evidence_note: /in the snapshot, as m3 at .* has; m1 at .* has \d+, m2 at/ })
  t.match((await at.kpipe(['snapshots'])).stdout, / doubtful +disputed$/m)
  const aged = await at.kpipe(['snapshots', '-q', '--max-age', '0s'])
  t.match(aged, { code: 1, stderr: /the newest undisputed snapshot, [0-9a-f]{12}, is / })

  const id = (ended: { stdout: string; stderr: string }) => String(lastLine(ended)['snapshot_id'])
  const latest = await at.kpipe(['restore', 'latest', '--to', 'latest.db', '--json'])
  t.equal(latest.code, 0, latest.stderr)
  const listed = JSON.parse((await at.kpipe(['snapshots', '--json'])).stdout) as { id: string; evidence: string }[]
  t.same(
    listed.map(({ evidence }) => evidence),
    ['agreed', 'agreed', 'disputed', 'disputed'],
  )
  t.equal(id(latest), listed[1]!.id)
  t.match(latest.stderr, `"latest" passes over 2 newer ones, the last of them: snapshot ${id(wrong).slice(0, 12)} of `)
  const byId = await at.kpipe(['restore', id(second), '--to', 'disputed.db'])
  t.equal(byId.code, 0)
  t.match(byId.stderr, new RegExp(`snapshot ${id(second).slice(0, 12)} of .* is disputed: HashKV at revision`))
  t.match(await at.kpipe(['forget', listed[1]!.id]), { code: 64, stderr: /is the newest without doubt of backup, which always stays/ })

  const { snapshots } = await at.traces()
  at.pipeline(source(cluster, ', evidence: required'))
  const refused = await at.kpipe(['run'])
  t.match(refused, { code: 75, stderr: /the members of etcd disagree: HashKV at revision/ })
  t.equal((await at.traces()).snapshots, snapshots, 'nothing was published')
  t.match((await at.log()).at(-1), { kind: 'ABORT' })

  at.pipeline(source(cluster.slice(0, 2), ', evidence: required'))
  const others = await at.kpipe(['run', '--json'])
  t.match(lastLine(others), { evidence: 'agreed', evidence_note: 'm3: no endpoint leads to it' }, others.stderr)
  t.equal(id(await at.kpipe(['restore', 'latest', '--to', 'newest.db', '--json'])), id(others))
})

/** Turns one letter of one value around, with all checksums right. Returns how many values it changed. */
async function corrupt(file: string): Promise<number> {
  const pages = memoryPages(readFileSync(file))
  const bolt = await openBolt(pages)
  let changed = 0
  async function* items(): AsyncGenerator<BoltItem> {
    for await (const item of walk(bolt)) {
      const { path, value } = item
      if (changed === 0 && value !== undefined && path.length === 1 && Buffer.from(path[0]!).toString() === 'key') {
        const found = Buffer.from(readKeyValue(value).key).toString() === '/k/33' ? Buffer.from(value).indexOf('third') : -1
        if (found >= 0) {
          const other = Buffer.from(value)
          other.write('T', found)
          changed++
          yield { ...item, value: other }
          continue
        }
      }
      yield item
    }
  }
  const descriptor = openSync(`${file}.new`, 'wx', 0o600)
  await writeBolt(items(), bolt.pages.pageBytes, async (position, bytes) => void writeSync(descriptor, bytes, 0, bytes.length, position))
  closeSync(descriptor)
  renameSync(`${file}.new`, file)
  return changed
}
