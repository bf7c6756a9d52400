import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import type { Test } from 'tap'
import { getEtcd, type EtcdLine } from '../scripts/etcd/get-etcd.ts'
import { deleteKeys, etcdClient, kubernetesLike, withEtcd, writeKeys } from './support/etcd.ts'
import type { RunningEtcd } from './support/etcd.ts'
import { meanwhile } from './support/kpipe.ts'
import type { Ended, KpipeOptions } from './support/kpipe.ts'
import { etcdctl } from './support/member-state.ts'
import { filesUnder, filesWith, lastLine, place, type Place } from './support/place.ts'
import { until } from './support/processes.ts'

/** Those that every test run gets; more are built from source where `KPIPE_TEST_ETCD` names them. */
const lines = (process.env['KPIPE_TEST_ETCD'] ?? '3.4,3.6').split(',') as EtcdLine[]
const canary = 'canary-of-the-drill'
const root = 'root:rootpw'

interface Summary {
  readonly level: string
  readonly passed: boolean
  readonly recorded: boolean
  readonly steps: readonly {
    readonly step: string
    readonly result: string
    readonly note: string
    readonly figures: Record<string, unknown>
  }[]
}

/** A place with one snapshot of an etcd with history, leases and authentication, and a folder `scratch`. */
async function backedUp(t: Test, line: EtcdLine): Promise<Place> {
  return withEtcd(line, async (etcd) => {
    await history(etcd)
    const source = `{ use: etcd, with: { endpoints: ['${etcd.clientUrl}'], username: root, password: rootpw } }`
    const at = await place(t, source)
    for (const name of ['scratch', 'bin']) mkdirSync(at.at(name))
    symlinkSync('/usr/bin/env', at.at('bin/env'))
    const { code, stderr } = await at.kpipe(['run'])
    if (code !== 0) throw new Error(stderr)
    return at
  })
}

async function history(etcd: RunningEtcd): Promise<void> {
  await writeKeys(etcd.clientUrl, kubernetesLike().take(300))
  await writeKeys(etcd.clientUrl, [['secret', Buffer.from(canary)]])
  const client = etcdClient(etcd.clientUrl)
  try {
    const lease = client.lease(3600, { autoKeepAlive: false })
    for (let n = 0; n < 5; n++) await lease.put(`leased/${n}`).value('x')
    lease.release()
    await deleteKeys(etcd.clientUrl, ['leased/3'])
    const { header } = await client.kv.range({ key: Buffer.from('secret') })
    await client.kv.compact({ revision: header.revision, physical: true })
  } finally {
    client.close()
  }
  await writeKeys(etcd.clientUrl, kubernetesLike(1).take(50))
  await etcdctl(etcd, ['user', 'add', root])
  await etcdctl(etcd, ['role', 'add', 'root'])
  await etcdctl(etcd, ['user', 'grant-role', 'root', 'root'])
  await etcdctl(etcd, ['auth', 'enable'])
}

/** Only what is in `bin` is on PATH. */
const drill = (at: Place, args: readonly string[] = [], options: KpipeOptions = {}): Promise<Ended> =>
  at.kpipe(['drill', '--scratch', 'scratch', '--json', ...args], { ...options, env: { PATH: at.at('bin'), ...options.env } })

function summaryOf({ stdout, stderr }: Ended): Summary {
  const line = stdout.split('\n').find((text) => text.includes('"message_type":"summary"'))
  if (line === undefined) throw new Error(`there is no summary in ${stdout}${stderr}`)
  return JSON.parse(line) as Summary
}

const results = ({ steps }: Summary): string => steps.map(({ step, result }) => `${step} ${result}`).join(', ')
const allOk = 'restore ok, walk ok, status ok, hash_kv ok, boot ok, server ok'

/** What the list says of the only snapshot. */
async function listed(at: Place): Promise<Record<string, unknown> | null> {
  const { stdout } = await at.kpipe(['snapshots', '--json'])
  return (JSON.parse(stdout) as [{ drill: Record<string, unknown> | null }])[0].drill
}

/** An etcd that does something before it becomes the real one. @param script of sh, in the scratch folder; `$$` is etcd's pid */
function wrapped(at: Place, etcd: string, script: string, name = 'wrapped'): string {
  const file = at.at(name)
  writeFileSync(
    file,
    `#!/bin/sh\nexport PATH=/usr/bin:/bin\n[ "$1" = --version ] && exec ${etcd} --version\n${script}\nexec ${etcd} "$@"\n`,
  )
  chmodSync(file, 0o755)
  return file
}

for (const line of lines) {
  test(`a snapshot of etcd ${line} with authentication on is booted, compared and recorded, and nobody else could reach it`, async (t) => {
    const at = await backedUp(t, line)
    const { etcd } = await getEtcd({ version: line })
    t.equal(await listed(at), null)
    const walked = await drill(at)
    t.equal(walked.code, 0, walked.stderr)
    t.match(summaryOf(walked), { level: 'walked', passed: true, recorded: true })
    t.match(summaryOf(walked).steps.at(-2), { step: 'boot', result: 'not done', note: `there is no etcd-${line} and no etcd on PATH` })
    t.match(await listed(at), { level: 'walked', passed: true, proven: false })

    // What listens while it runs: all sockets of the process against those of TCP.
    const seen = at.at('seen')
    const look = `(while [ ! -S client:1 ]; do sleep 0.01; done
      { stat -c %a .; ls; for link in /proc/$$/fd/*; do readlink $link; done | sed -n 's/^socket:.\\([0-9]*\\).$/\\1/p' | while read inode; do
        echo socket; grep -h " $inode " /proc/$$/net/tcp /proc/$$/net/tcp6; done; echo done; } > ${seen}) &`
    const booted = await drill(at, ['--etcd', wrapped(at, etcd, look)])
    t.equal(booted.code, 0, booted.stderr + booted.stdout)
    const summary = summaryOf(booted)
    t.match(summary, { level: 'booted', passed: true, recorded: true })
    t.equal(results(summary), allOk)
    t.match(summary.steps.at(-1)?.figures, { keys: 305, hash: summary.steps[3]?.figures['hash'] })
    await until('the look is over', () => existsSync(seen) && readFileSync(seen, 'utf8').includes('done'))
    const [mode, ...shown] = readFileSync(seen, 'utf8').trim().split('\n')
    t.equal(mode, '700')
    t.ok(shown.includes('client:1') && shown.filter((text) => text === 'socket').length >= 2, `sockets: ${shown.join(' ')}`)
    t.same(
      shown.filter((text) => / [0-9A-F]+:[0-9A-F]{4} /.test(text)),
      [],
      'no port of TCP is open',
    )
    t.same(readdirSync(at.at('scratch')), [])
    t.match(await listed(at), { level: 'booted', passed: true, proven: true })
    t.match(await at.kpipe(['snapshots']), { stdout: /DRILL\n[^\n]* booted \d+s ago\n/ })
    t.match(await at.logKinds(), /SNAPSHOT DRILLED DRILLED$/)
    if (line !== '3.4') return
    symlinkSync((await getEtcd({ version: '3.6' })).etcd, at.at('bin/etcd'))
    const newer = await drill(at)
    t.match(summaryOf(newer), { level: 'booted', passed: true }, 'a newer etcd boots it too')
    t.match(summaryOf(newer).steps.at(-2), { note: /^etcd 3\.6\./ })
  })
}

test('what ends a drill before its time, and what it finds wrong', async (t) => {
  const at = await backedUp(t, '3.6')
  const { etcd } = await getEtcd({ version: '3.6' })
  const { etcd: older } = await getEtcd({ version: '3.4' })
  const clean = () => t.same(readdirSync(at.at('scratch')), [], 'the scratch folder is empty')

  t.match(await drill(at, ['--etcd', older]), { code: 64, stdout: /is etcd 3\.4\.\d+, and the snapshot is of 3\.6/ })
  t.match(await drill(at, ['--etcd', '/bin/true']), { code: 64, stdout: /is no etcd that runs here/ })
  t.match(await drill(at, ['--level', 'walked', '--etcd', etcd]), { code: 64 })
  symlinkSync(older, at.at('bin/etcd'))
  t.match(summaryOf(await drill(at)).steps.at(-2), { result: 'not done', note: /^etcd on PATH is 3\.4\.\d+, and the snapshot is of 3\.6$/ })

  await t.test('one that is stopped leaves nothing, and no record', async (t) => {
    const running = at.at('running')
    const waits = wrapped(at, etcd, `echo $$ > ${running}; while [ ! -e ${at.at('go')} ]; do sleep 0.02; done`)
    const { child, ended } = at.spawn(['drill', '--scratch', 'scratch', '--etcd', waits])
    await meanwhile(
      until('etcd was started', () => existsSync(running) && readFileSync(running, 'utf8').trim() !== ''),
      ended,
    )
    const before = await at.logKinds()
    child.kill('SIGTERM')
    t.match(await ended, { code: 130, stderr: /stopped by SIGTERM/ })
    t.same(readdirSync(at.at('scratch')), [])
    t.notOk(isAlive(readFileSync(running, 'utf8')), 'etcd has ended')
    t.equal(await at.logKinds(), before)
  })

  await t.test('what one that was killed left is removed by the next, with its etcd', async (t) => {
    const running = at.at('running-2')
    const told = wrapped(at, etcd, `(while [ ! -S client:1 ]; do sleep 0.01; done; kill -STOP $PPID; echo $$ > ${running}) &`, 'stopping')
    const { child, ended } = at.spawn(['drill', '--scratch', 'scratch', '--etcd', told])
    await meanwhile(
      until('etcd runs', () => existsSync(running) && readFileSync(running, 'utf8').trim() !== ''),
      ended,
    )
    child.kill('SIGKILL')
    await ended
    const [left] = readdirSync(at.at('scratch'))
    t.match(left, /^kpipe-drill-\d+-/)
    t.ok(isAlive(readFileSync(running, 'utf8')) && filesWith(at.at('scratch'), canary).length > 0, 'etcd runs on, with all secrets')
    const next = await drill(at, ['--level', 'walked'])
    t.equal(next.code, 0, next.stderr)
    t.notOk(isAlive(readFileSync(running, 'utf8')))
    t.same(readdirSync(at.at('scratch')), [])
  })

  await t.test('an etcd that does not run on it, and one that serves something else, fail it', async (t) => {
    const never = await drill(at, ['--etcd', wrapped(at, etcd, 'echo "panic: no such thing"; exit 2', 'broken')])
    t.match(summaryOf(never), { level: 'walked', passed: true }, 'that it runs on nothing at all is not the fault of the snapshot')
    t.match(summaryOf(never).steps.at(-2), {
      result: 'not done',
      note: /does not run here, on an empty .*: exit code 2, panic: no such thing$/,
    })
    const killed = await drill(at, ['--etcd', wrapped(at, etcd, 'kill -KILL $$', 'killed')])
    t.match(lastLine(killed), { exit_code: 69, message: 'the etcd of the drill was ended by SIGKILL', hint: /^What was restored is/ })
    const ends = await drill(at, ['--etcd', wrapped(at, etcd, '[ -d data ] && { echo "panic: no such thing"; exit 2; }')])
    t.equal(ends.code, 65, ends.stderr)
    t.match(summaryOf(ends), { level: 'booted', passed: false })
    t.match(lastLine(ends), {
      code: 'KPIPE_DAMAGED',
      message: /boot: etcd 3\.6\.\d+ does not run on it: exit code 2, panic: no such thing$/,
    })
    t.match(await listed(at), { level: 'booted', passed: false, note: /^boot: / })
    t.match(await at.kpipe(['snapshots']), { stdout: / failed \d+s ago\n/ })

    const peer = 'unix://peer:1'
    writeFileSync(at.at('other.yaml'), readFileSync(at.at('backup.yaml'), 'utf8').replace('name: backup', 'name: other'))
    await withEtcd('3.6', async (other) => {
      await writeKeys(other.clientUrl, [['another', Buffer.from('cluster')]])
      at.pipeline(`{ use: etcd, with: { endpoints: ['${other.clientUrl}'] } }`, '', 'other.yaml')
      t.equal((await at.kpipe(['run', 'other.yaml'])).code, 0)
    })
    const made = await at.kpipe(['restore', 'latest', '--snapshot-name', 'other', '--data-dir', 'other', '--name', 'drill', '--initial-cluster', `drill=${peer}`, '--initial-advertise-peer-urls', peer]) // prettier-ignore
    t.equal(made.code, 0, made.stderr)
    const serves = await drill(at, ['--name', 'backup', '--etcd', wrapped(at, etcd, `rm -r data; cp -r ${at.at('other')} data`, 'swapped')])
    t.equal(serves.code, 65, serves.stdout)
    t.match(summaryOf(serves), { level: 'booted', passed: false })
    t.match(summaryOf(serves).steps.at(-1), {
      step: 'server',
      result: 'failed',
      note: /^the server (?:is at revision|has another history)/,
    })
  })
  clean()

  await t.test('a damaged snapshot fails at the damage, which is named', async (t) => {
    const [pack] = at
      .packs()
      .toSorted((one, other) => at.read(`repository/packs/${other}`).length - at.read(`repository/packs/${one}`).length)
    const file = at.at('repository/packs', pack!)
    const bytes = readFileSync(file)
    bytes[1000] ^= 1
    rmSync(file)
    writeFileSync(file, bytes)
    const failed = await drill(at, ['--name', 'backup', '--etcd', etcd])
    t.equal(failed.code, 65, failed.stdout)
    t.equal(results(summaryOf(failed)), 'restore failed')
    t.match(lastLine(failed), {
      code: 'KPIPE_DAMAGED',
      message: new RegExp(`drill of snapshot .* failed: restore: .*packs/${pack} is damaged`),
    })
    t.match(await listed(at), { level: 'walked', passed: false, note: /^restore: / })
  })
  clean()
  t.same(filesUnder(at.at('scratch')), [])
})

function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid.trim()}/status`, 'utf8'))
  } catch {
    return false
  }
}
