import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'tap'
import { freePorts } from '../scripts/etcd/free-ports.ts'
import { getEtcd, type EtcdLine } from '../scripts/etcd/get-etcd.ts'
import { startEtcd, type RunningEtcd } from '../scripts/etcd/start-etcd.ts'
import { differences, kubernetesLike, readKeys, withEtcd, writeKeys } from './support/etcd.ts'
import { clone } from './support/kpipe.ts'
import { etcdctl, serverHashKv } from './support/member-state.ts'
import { homeOf, lastLine, place, type Place } from './support/place.ts'

const lines: readonly EtcdLine[] = ['3.5', '3.6', '3.7']

interface Plan {
  readonly digest: string
  readonly token: string
  readonly members: readonly { readonly name: string; readonly dataDir: string }[]
  readonly steps: readonly { readonly title: string; readonly parts: readonly { readonly commands: readonly string[] }[] }[]
}

/** Runs a command of a plan as it is written, in a shell. */
async function shell(at: Place, command: string): Promise<string> {
  const env = {
    ...process.env,
    NODE_OPTIONS: undefined,
    ...homeOf(at.at('home')),
    PATH: `${join(clone, 'node_modules/.bin')}:${process.env['PATH']}`,
  }
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', command], { cwd: '/', env })
  return stdout + stderr
}

async function clusterFile(at: Place): Promise<readonly string[]> {
  const peers = (await freePorts(3)).map((port) => `http://127.0.0.1:${port}`)
  const members = peers.map((url, n) => ({
    name: `m${n + 1}`,
    peerUrls: url,
    clientUrls: 'http://127.0.0.1:2379',
    dataDir: at.at(`m${n + 1}`, 'data'),
  }))
  writeFileSync(at.at('cluster.yaml'), JSON.stringify({ members }))
  return peers
}

for (const line of lines) {
  test(`three members that are restored by the commands of a plan form a cluster of etcd ${line}, with the same HashKV`, async (t) => {
    const { at, before } = await withEtcd(line, async (etcd) => {
      await writeKeys(etcd.clientUrl, kubernetesLike().take(300))
      const at = await place(t, `{ use: etcd, with: { endpoints: ['${etcd.clientUrl}'] } }`)
      const { code, stderr } = await at.kpipe(['run'])
      if (code !== 0) throw new Error(stderr)
      const named = await at.kpipe(['restore', 'latest', '--plan-from-snapshot', '--json'])
      t.match(JSON.parse(named.stdout), { members: [{ name: 'm1', peerUrls: [etcd.peerUrl], etcd: 'hand' }], bump: 1_000_000_000 })
      return { at, before: await readKeys(etcd.clientUrl) }
    })
    const peers = await clusterFile(at)
    const made = await at.kpipe(['restore', 'latest', '--plan', 'cluster.yaml', '--json', '--to', 'plan.json'])
    t.equal(made.code, 0, made.stderr)
    const plan = JSON.parse(readFileSync(at.at('plan.json'), 'utf8')) as Plan
    const [first, ...others] = plan.steps
      .find(({ title }) => title.startsWith('Make the data directory'))!
      .parts.map(({ commands }) => commands[0]!)

    // The old data directory of one member is there, of another one's the log was put elsewhere; nothing of the third.
    for (const name of ['m1', 'm2', 'm3']) mkdirSync(at.at(name))
    await shell(at, `${first!.replace(plan.token, 'old').replace(/--move-aside/, '')}`)
    const outputs = await Promise.all([first!, ...others].map((command) => shell(at, command)))
    t.match(outputs[0], /what was there before is kept as .*\/m1\/data\.before-/)
    t.equal(readdirSync(at.at('m1')).length, 2)
    await t.rejects(shell(at, first!), /is already the member m1 that would be made/)

    const cluster = peers.map((url, n) => `m${n + 1}=${url}`).join()
    // As kubeadm leaves them: the first member knows itself alone, the others were added. A restored member does not look.
    const initial = (n: number) =>
      n === 0
        ? [`--initial-cluster=m1=${peers[0]}`]
        : [`--initial-cluster=${cluster}`, '--initial-cluster-state=existing', '--initial-cluster-token=other']
    await withMembers(line, peers, plan, initial, async (etcds) => {
      const hashes: string[] = []
      for (const etcd of etcds) {
        const kept = differences(before, await readKeys(etcd.clientUrl))
        t.same(kept, [], 'every key, with its revisions')
        const { hash, revision } = await serverHashKv(etcd)
        hashes.push(`${hash} at ${revision}`)
        t.equal((await etcdctl(etcd, ['member', 'list'])).match(/, started, m\d, /g)?.length, 3)
      }
      t.equal(new Set(hashes).size, 1, hashes.join(', '))
      t.match(hashes[0], /at 1000000\d{3}$/)
      await etcdctl(etcds[0]!, ['put', 'written', 'to m1'])
      t.match(await etcdctl(etcds[2]!, ['get', 'written']), 'to m1')
    })
  })
}

async function withMembers(
  line: EtcdLine,
  peers: readonly string[],
  { members }: Plan,
  initial: (n: number) => readonly string[],
  use: (etcds: readonly RunningEtcd[]) => Promise<void>,
): Promise<void> {
  const binaries = await getEtcd({ version: line })
  const started = await Promise.allSettled(
    members.map(({ name, dataDir }, n) =>
      startEtcd(binaries, { name, dataDir, extraArgs: [`--listen-peer-urls=${peers[n]}`, ...initial(n)] }),
    ),
  )
  const etcds = started.filter((outcome) => outcome.status === 'fulfilled').map(({ value }) => value)
  try {
    for (const outcome of started) if (outcome.status === 'rejected') throw outcome.reason
    await use(etcds)
  } finally {
    await Promise.all(etcds.map((etcd) => etcd.stop()))
  }
}

test('a host does its part of a plan once, only while etcd is stopped, and of no other snapshot', async (t) => {
  const at = await place(t, '{ use: file, with: { path: ./input } }')
  writeFileSync(at.at('input'), readFileSync(join(clone, 'packages/cli/test/fixtures/snap-3.6.16.db')))
  t.equal((await at.kpipe(['run', '-q'])).code, 0)
  await clusterFile(at)
  const words = ['restore', '--plan', 'plan.json', '--execute-local', '--name', 'm1', '--json']
  t.match(await at.kpipe(['restore', 'latest', '--plan', 'cluster.yaml', '--execute-local']), {
    code: 64,
    stderr: /snapshot, digest, token are missing/,
  })
  t.equal((await at.kpipe(['restore', 'latest', '--plan', 'cluster.yaml', '--json', '--to', 'plan.json'])).code, 0)
  t.match(await at.kpipe(['restore', 'latest', '--plan', 'cluster.yaml', '--to', 'plan.json']), {
    code: 64,
    stderr: /plan\.json exists already/,
  })
  t.match(await at.kpipe(words.filter((word) => !/^(--name|m1)$/.test(word))), {
    code: 64,
    stdout: /fits several members of the plan: m1, m2, m3/,
  })

  const plan = JSON.parse(readFileSync(at.at('plan.json'), 'utf8')) as Plan
  writeFileSync(at.at('other.json'), JSON.stringify({ ...plan, digest: 'ab'.repeat(32) }))
  t.match(await at.kpipe(words.with(2, 'other.json')), { code: 65, stdout: /KPIPE_DIGEST_MISMATCH/ })
  mkdirSync(at.at('manifests'))
  writeFileSync(at.at('manifests', 'etcd.yaml'), '')
  writeFileSync(
    at.at('pods.json'),
    JSON.stringify({ ...plan, members: plan.members.map((member) => ({ ...member, etcd: at.at('manifests/etcd.yaml') })) }),
  )
  t.match(await at.kpipe(words.with(2, 'pods.json')), { code: 75, stdout: /its manifest .* is in place, and the kubelet starts it/ })
  t.notOk(readdirSync(at.folder).includes('m1'))

  const done = await at.kpipe(words)
  t.equal(done.code, 0, done.stderr + done.stdout)
  t.match(lastLine(done), { member: 'm1', made_before: false, member_name: 'm1', members: 3, bumped_to: 1_000_000_142 })
  const again = await at.kpipe(words)
  t.match(lastLine(again), { member: 'm1', made_before: true })
  const etcd = await startEtcd(await getEtcd({ version: '3.6' }), { name: 'm1', dataDir: at.at('scratch') })
  try {
    const used = { ...plan, token: 'another', members: plan.members.map((member) => ({ ...member, dataDir: at.at('scratch') })) }
    writeFileSync(at.at('used.json'), JSON.stringify(used))
    t.match(await at.kpipe(words.with(2, 'used.json')), { code: 75, stdout: /is in use, .*an etcd runs on it/ })
  } finally {
    await etcd.stop()
  }
  t.match(await at.kpipe(words.with(2, 'used.json')), { code: 0 })
  t.equal(readdirSync(at.folder).filter((name) => name.startsWith('scratch.before-')).length, 1)
})
