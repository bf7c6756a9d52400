import { createHash, randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'
import { runTool } from '../../scripts/etcd/run-tool.ts'
import { loopbackEnv } from '../../scripts/loopback-env.ts'
import { getEtcd } from '../../scripts/etcd/get-etcd.ts'
import { startEtcd } from '../../scripts/etcd/start-etcd.ts'
import { deleteKeys, differences, etcdClient, hourLater, kubernetesLike, readKeys, withRestoredEtcd, writeKeys } from './etcd.ts'
import type { EtcdLine, RunningEtcd } from './etcd.ts'
import { nodes } from './kpipe.ts'
import { emptyPlace, filesWith, lastLine } from './place.ts'

const canary = 'CANARY-5d0f2c7a91b34e68'
const env = { ...loopbackEnv(), ETCDCTL_API: '3' }

/** Init, run, change, run, list, status, restore and boot on a real etcd of this line, with kpipe on this Node. */
export async function mainJob(t: Test, line: EtcdLine, node: keyof typeof nodes): Promise<void> {
  const etcd = await startEtcd(await getEtcd({ version: line }))
  t.teardown(() => etcd.stop())
  const place = emptyPlace(t)
  const kpipe: typeof place.kpipe = (args, options) => place.kpipe(args, { node, ...options })
  place.pipeline(`{ use: etcd, with: { endpoints: ['${etcd.clientUrl}'] } }`)
  const said: string[] = []
  const json = async (...args: string[]) => {
    const ended = await kpipe(args)
    said.push(ended.stdout, ended.stderr)
    t.equal(ended.code, 0, `${args.join(' ')}: ${ended.stderr}`)
    return lastLine(ended)
  }

  t.match((await kpipe(['--version'])).stdout, new RegExp(`\\(node v${node}\\.`), 'it runs on the Node that is meant')
  await history(etcd)
  await json('init', '--json', '--recovery-phrase-file', 'phrase.txt')
  for (const name of ['repository', 'repository/log', 'repository/keys']) t.equal(statSync(place.at(name)).mode & 0o777, 0o700, name)
  for (const name of ['repository.key', 'phrase.txt']) t.equal(statSync(place.at(name)).mode & 0o777, 0o600, name)

  const before = await readKeys(etcd.clientUrl)
  const first = await json('run', 'backup.yaml', '--json', '--tag', 'one', '--tag', 'two')
  await writeKeys(etcd.clientUrl, hourLater())
  await deleteKeys(etcd.clientUrl, ['big/0'])
  const after = await readKeys(etcd.clientUrl)
  const second = await json('run', 'backup.yaml', '--json')
  for (const summary of [first, second]) {
    t.match(summary, {
      message_type: 'summary',
      snapshot_id: /^[0-9a-f]{64}$/,
      name: 'backup',
      member: /^[0-9a-f]{16}$/,
      revision: Number,
      bytes_read: Number,
      bytes_fresh: Number,
      bytes_stored: Number,
      chunks: Number,
      chunks_fresh: Number,
      duration_ms: Number,
      trailer_verified: true,
      head: /^\d+:[0-9a-f]{64}$/,
    })
  }
  t.equal(first['chunks'], first['chunks_fresh'], 'everything is new to an empty repository')
  t.ok(Number(second['bytes_fresh']) < Number(second['bytes_read']) / 2, 'the second backup finds most pages in the first')
  t.ok(Number(second['bytes_stored']) < Number(first['bytes_stored']) / 2)
  t.equal(await place.logKinds(), 'GENESIS OPEN SNAPSHOT OPEN SNAPSHOT')

  const listed = JSON.parse((await kpipe(['snapshots', '--json'])).stdout) as Record<string, unknown>[]
  t.match(listed, [
    { id: first['snapshot_id'], name: 'backup', time: /^\d{4}-.*Z$/, revision: first['revision'], keys: before.size, tags: ['one', 'two'] },
    { id: second['snapshot_id'], revision: second['revision'], keys: after.size, bytes: second['bytes_read'], tags: [] },
  ])
  t.equal((await kpipe(['snapshots', '--max-age', '2h'])).code, 0)
  const old = await kpipe(['snapshots', '--max-age', '0s'])
  t.equal(old.code, 1)
  t.match(old.stderr, /the newest snapshot, [0-9a-f]{12}, is .* old/)

  const states = [
    { reference: String(first['snapshot_id']).slice(0, 8), keys: before, summary: first },
    { reference: 'latest', keys: after, summary: second },
  ]
  for (const [index, { reference, keys, summary }] of states.entries()) {
    const file = place.at(`snap${index}`)
    await kpipe(['restore', reference, '-to', `./snap${index}`])
    const bytes = readFileSync(file)
    t.equal(statSync(file).mode & 0o777, 0o600)
    t.equal(bytes.length, summary['bytes_read'])
    t.ok(createHash('sha256').update(bytes.subarray(0, -32)).digest().equals(bytes.subarray(-32)), "etcd's trailer is right")
    await sameStatus(t, etcd, file, await json('status', reference, '-w', 'json'), summary)
    await withRestoredEtcd(line, file, async (restored) => {
      t.same(differences(keys, await readKeys(restored.clientUrl)), [], 'an etcd boots from it and has every key')
    })
  }

  await t.test('the second snapshot goes to standard output as well', async (t) => {
    const fd = openSync(place.at('piped'), 'w', 0o600)
    const { code } = await kpipe(['restore', 'latest', '-to', '-'], { outputFd: fd })
    closeSync(fd)
    t.equal(code, 0)
    t.ok(readFileSync(place.at('piped')).equals(readFileSync(place.at('snap1'))))
  })

  await t.test('no secret is in the repository, the state folder or the output', async (t) => {
    t.same(filesWith(place.folder, canary).toSorted(), ['piped', 'snap0', 'snap1'])
    t.notMatch(said.join('\n'), canary)
    for (const secret of ['repository.key', 'phrase.txt']) {
      const text = readFileSync(place.at(secret), 'utf8').trim()
      t.same(filesWith(place.folder, text), [secret])
      t.notOk(said.join('\n').includes(text))
    }
  })

  await t.test('on the worst day repository and phrase, or key, are enough', async (t) => {
    const phrase = readFileSync(place.at('phrase.txt'), 'utf8')
    renameSync(place.at('repository'), place.at('moved'))
    const key = readFileSync(place.at('repository.key'), 'utf8')
    for (const name of ['backup.yaml', 'repository.key', 'phrase.txt', 'home']) rmSync(place.at(name), { recursive: true })
    mkdirSync(place.at('nowhere'))
    const other = {
      HOME: place.at('nowhere'),
      XDG_STATE_HOME: place.at('nowhere', 'state'),
      https_proxy: 'http://127.0.0.1:1',
      http_proxy: 'http://127.0.0.1:1',
    }
    writeFileSync(place.at('nowhere', 'phrase'), phrase)
    writeFileSync(place.at('nowhere', 'key'), key, { mode: 0o600 })
    const ways: [string[], Record<string, string>][] = [
      [['--recovery-phrase-file', 'nowhere/phrase'], {}],
      [[], { KPIPE_RECOVERY_PHRASE: phrase }],
      [['--key-file', 'nowhere/key'], {}],
    ]
    for (const [index, [words, more]] of ways.entries()) {
      const found = await kpipe(['restore', 'latest', '--store', './moved', ...words, '-to', `./again${index}`], {
        env: { ...other, ...more },
      })
      t.equal(found.code, 0, found.stderr)
      t.ok(readFileSync(place.at(`again${index}`)).equals(readFileSync(place.at('snap1'))))
    }
  })
}

/** What databases have in them: many small keys, leases, values on overflow pages, deletions, compacted and uncompacted history. */
async function history(etcd: RunningEtcd): Promise<void> {
  await writeKeys(etcd.clientUrl, kubernetesLike())
  await writeKeys(etcd.clientUrl, [['secret', Buffer.from(canary)]])
  for (let n = 0; n < 4; n++) await writeKeys(etcd.clientUrl, [[`big/${n}`, randomBytes(1 << 20)]])
  const client = etcdClient(etcd.clientUrl)
  try {
    const lease = client.lease(3600)
    for (let n = 0; n < 20; n++) await lease.put(`leased/${n}`).value(randomBytes(5000))
    lease.release()
    await client.delete().prefix('/registry/events/default')
    const { header } = await client.kv.range({ key: Buffer.from('secret') })
    await client.kv.compact({ revision: header.revision, physical: true })
  } finally {
    client.close()
  }
  await writeKeys(etcd.clientUrl, hourLater(2))
  await deleteKeys(etcd.clientUrl, ['leased/3', '/registry/leases/kube-node-lease/node-7'])
}

/** Our status is what etcd's own tools say of the restored file. */
async function sameStatus(
  t: Test,
  etcd: RunningEtcd,
  file: string,
  ours: Record<string, unknown>,
  summary: Record<string, unknown>,
): Promise<void> {
  const { etcdutl } = await getEtcd({ version: '3.6' })
  const theirs = JSON.parse(await runTool(etcdutl!, ['snapshot', 'status', file, '-w', 'json'], { env })) as Record<string, unknown>
  t.same(ours, theirs, 'status is what etcdutl 3.6 says')
  t.equal(summary['revision'], theirs['revision'])
  t.equal(summary['keys'], theirs['totalKey'])
  if (etcd.binaries.etcdutl !== undefined) return
  const older = JSON.parse(await runTool(etcd.binaries.etcdctl, ['snapshot', 'status', file, '-w', 'json'], { env })) as Record<
    string,
    unknown
  >
  const { hash, revision, totalSize } = ours
  t.match(older, { hash, revision, totalSize }, "status is what the line's own etcdctl says; it counts keys by another rule")
}
