import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'tap'
import { failureOf, reading } from '../packages/stage-etcd/test/reading.ts'
import { getEtcd, type EtcdLine } from '../scripts/etcd/get-etcd.ts'
import { restoreCommand } from '../scripts/etcd/restore-etcd.ts'
import { runTool } from '../scripts/etcd/run-tool.ts'
import { startEtcd, type RunningEtcd, type StartOptions } from '../scripts/etcd/start-etcd.ts'
import { loopbackEnv } from '../scripts/loopback-env.ts'
import { alone, deleteKeys, differences, kubernetesLike, readKeys, writeKeys } from './support/etcd.ts'
import { testFolder } from './support/folder.ts'
import { etcdctl, memberState, serverHashKv } from './support/member-state.ts'
import { lastLine, place, type Place } from './support/place.ts'

/** `KPIPE_TEST_ETCD` may name others. */
const lines = (process.env['KPIPE_TEST_ETCD'] ?? '3.4,3.6').split(',') as EtcdLine[]
const env = { ...loopbackEnv(), ETCDCTL_API: '3' }

async function withMember<T>(
  line: EtcdLine,
  dataDir: string,
  use: (etcd: RunningEtcd) => Promise<T>,
  options: StartOptions = {},
): Promise<T> {
  const etcd = await startEtcd(await getEtcd({ version: line }), {
    ...options,
    extraArgs: [...alone, ...(options.extraArgs ?? [])],
    dataDir,
    name: 'm1',
  })
  try {
    return await use(etcd)
  } finally {
    await etcd.stop()
  }
}

async function succeeded(at: Place, args: readonly string[]): Promise<{ line: Record<string, unknown>; warnings: string[] }> {
  const ended = await at.kpipe([...args, '--json'])
  if (ended.code !== 0) throw new Error(`${args[0]} ended with ${ended.code}: ${ended.stderr}${ended.stdout}`)
  return { line: lastLine(ended), warnings: ended.stderr.split('\n').filter((text) => text.includes('warning')) }
}

/** No write of its own reaches the database's file before it is stopped. */
const lazily = { extraArgs: ['--backend-batch-interval=1h', '--backend-batch-limit=1000000'] }

for (const line of lines)
  test(`a member of etcd ${line} that was stopped, and one that was killed, is backed up from its data directory`, async (t) => {
    const at = await place(t, `{ use: etcd, with: { dataDir: member } }`)
    const dataDir = at.at('member')
    const before = await withMember(line, dataDir, async (etcd) => {
      await writeKeys(etcd.clientUrl, kubernetesLike().take(400))
      await writeKeys(etcd.clientUrl, [['big', randomBytes(900_000)]])
      await deleteKeys(etcd.clientUrl, ['big'])
      await etcdctl(etcd, ['user', 'add', 'alice:alicepw'])
      await etcdctl(etcd, ['put', 'last', 'one'])
      // Opened to its end, for the lock is asked for before anything is sent.
      t.match(await failureOf({ dataDir }), { code: 'KPIPE_SOURCE_REFUSED', message: `member/snap/db is in use, process ${etcd.pid} has its lock` }) // prettier-ignore
      const refused = await at.kpipe(['run'])
      t.equal(refused.code, 69)
      t.match(refused.stderr, /kpipe: .*member\/snap\/db is in use/)
      at.pipeline(`{ use: etcd, with: { endpoints: ['${etcd.clientUrl}'] } }`)
      const live = await succeeded(at, ['run'])
      return { live: live.line, keys: await readKeys(etcd.clientUrl), state: await memberState(etcd), hash: await serverHashKv(etcd) }
    })

    at.pipeline('{ use: etcd, with: { dataDir: member } }')
    const stopped = await succeeded(at, ['run'])
    t.equal(stopped.line['member'], before.live['member'], 'it is the same member')
    t.equal(stopped.line['revision'], before.live['revision'])
    t.ok(Number(stopped.line['bytes_fresh']) < Number(stopped.line['bytes_read']) / 4, 'whose pages are known from when it ran')
    if (line === '3.4')
      t.match(stopped.warnings, [/of the log in .*, none of them a write, are newer than .*; before 3\.5 that index lags/])
    else t.same(stopped.warnings, [])

    await succeeded(at, ['restore', 'latest', '--data-dir', 'restored', '--no-bump', '--name', 'm1', '--initial-cluster', 'm1=http://localhost:2380']) // prettier-ignore
    await withMember(line, at.at('restored'), async (etcd) => {
      t.same(await serverHashKv(etcd), before.hash)
      t.same(differences(before.keys, await readKeys(etcd.clientUrl)), [])
      t.same(await memberState(etcd), before.state)
    })
    await succeeded(at, ['restore', 'latest', '-to', 'snapshot'])
    const [program, ...args] = restoreCommand(await getEtcd({ version: line }), at.at('snapshot'), at.at('by-etcd'))
    await t.resolves(runTool(program, args, { env }), "etcd's own tool finds the SHA-256 right")

    await withMember(
      line,
      dataDir,
      async (etcd) => {
        for (let n = 0; n < 5; n++) await etcdctl(etcd, ['put', `late/${n}`, 'x'])
        etcd.kill('SIGKILL')
        await etcd.exited
      },
      lazily,
    )
    const killed = await succeeded(at, ['run'])
    t.equal(killed.line['revision'], before.live['revision'])
    t.match(killed.warnings, [
      /\d+ entries of the log in .*member\/wal, 5 of them writes, are newer than the database, which is at index \d+/,
    ])
    const stream = await reading().open({ dataDir })
    t.match(stream.facts, { member_id: stopped.line['member'], wal_writes_newer: 5 })
    await stream.close()
  })

if (lines.includes('3.4'))
  test('data of version 2 in the data directory of etcd 3.4 is warned of', async (t) => {
    const dataDir = join(testFolder(t), 'member')
    const told = async (write: (etcd: RunningEtcd) => Promise<unknown>) => {
      await withMember('3.4', dataDir, write, { extraArgs: ['--enable-v2', '--snapshot-count=5'] })
      const into = reading()
      const stream = await into.open({ dataDir })
      await stream.close()
      t.equal(into.warnings.filter((warning) => warning.includes('data of version 2')).length, stream.facts.v2_data === true ? 1 : 0)
      return stream.facts.v2_data
    }
    /** Enough entries for a snapshot of raft. */
    const tenKeys = async (etcd: RunningEtcd) => {
      for (let n = 0; n < 10; n++) await writeKeys(etcd.clientUrl, [[`three/${n}`, Buffer.from('x')]])
    }
    t.equal(await told(tenKeys), false)
    const wrote = await told(async (etcd) => {
      const answer = await fetch(`${etcd.clientUrl}/v2/keys/old`, { method: 'PUT', body: new URLSearchParams({ value: 'x' }) })
      t.equal(answer.status, 201)
      await tenKeys(etcd)
    })
    t.equal(wrote, true)
  })
