import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { brokenDisk, drafts } from '../support/broken-disk.ts'
import { meanwhile, type KpipeOptions } from '../support/kpipe.ts'
import { until } from '../support/processes.ts'
import { secretSearch } from '../support/secret-search.ts'
import { secretivePlace, type SecretivePlace } from '../support/secretive-place.ts'

const canary = 'CANARY-of-a-Secret-c1f0b7d95e'
const limit = { timeout: 120_000 }
const accessPassword = 'Password-of-etcd-90ab17'

/** Pages that compress to half, with the canary in each; a part of them is new each time. */
function pages(count: number): Buffer {
  const page = () => Buffer.from(`${canary}${randomBytes(2040).toString('hex')}`.slice(0, 4096).padEnd(4096))
  return Buffer.concat(Array.from({ length: count }, page))
}

/** MiB that do not compress, with the canary in each page. */
function noise(mebibytes: number): Buffer {
  const bytes = randomBytes(mebibytes * 2 ** 20)
  for (let at = 0; at < bytes.length; at += 4096) bytes.write(canary, at)
  return bytes
}

const made = (t: Parameters<typeof secretivePlace>[0], ownCache = false) =>
  secretivePlace(t, { canary, 'password of etcd': accessPassword }, { ownCache })

/** Starts a run on standard input, and ends it with a signal when its first pack is there. */
async function endedHalfWay(at: SecretivePlace, signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  at.pipeline("{ use: file, with: { path: '-' } }", '', 'half.yaml')
  const before = at.packs().length
  const { child, ended } = at.spawn(['run', 'half.yaml', '-vv'], at.options({ input: { open: true } }))
  child.stdin!.write(noise(32))
  await meanwhile(
    until('a pack', () => at.packs().length > before),
    ended,
  )
  child.kill(signal)
  const end = await ended
  at.said.push(end.stdout, end.stderr)
  return end
}

test('what a run leaves and says holds no secret, whatever becomes of it', limit, async (t) => {
  const at = await made(t)
  writeFileSync(at.at('input'), pages(300))
  at.demandSecrecy(t)

  await t.test('a run that works, with hooks, metrics and an attached file', async (t) => {
    const dump = (when: string) => `{ run: 'env > hooked-${when}; cat /proc/$PPID/cmdline >> hooked-${when}' }`
    const hooks = `hooks:\n  before: ${dump('before')}\n  after: ${dump('after')}\n  finally: ${dump('finally')}\n`
    at.pipeline('{ use: file, with: { path: ./input } }', `${hooks}metrics: { textfile: metrics.prom }\nattach: [input]`)
    const secrets = { KPIPE_NEW_PASSWORD: accessPassword, ETCDCTL_PASSWORD: accessPassword, KPIPE_PASSWORD: accessPassword }
    for (const words of [['-vv'], ['--json', '-vv', '--tag', 'one']]) {
      const { code, stderr } = await at.run(['run', ...words], { env: { ...secrets, KPIPE_KEY_FILE: at.at('repository.key') } })
      t.equal(code, 0, stderr)
    }
    for (const file of ['hooked-before', 'hooked-after', 'hooked-finally', 'metrics.prom']) t.ok(statSync(at.at(file)).size > 100, file)
    at.demandSecrecy(t)
    at.pipeline('{ use: file, with: { path: ./input } }')
  })

  await t.test('commands that read, and those that change keys', async (t) => {
    const added = await at.run(['key', 'add', '--new-password-file', 'password.txt', '-vv', '--json'])
    t.equal(added.code, 0, added.stderr)
    const password = readFileSync(at.at('password.txt'), 'utf8').trim()
    for (const [words, env] of [
      [['key', 'list', '-vv'], { KPIPE_PASSWORD: password, KPIPE_KEY_FILE: undefined }],
      [['check', '--read-data', '-vv'], {}],
      [['key', 'rotate', '-vv'], {}],
      [['plan', '-vv'], {}],
      [['lint'], {}],
      [['forget', '--keep-last', '1', '--apply', '-vv'], {}],
      [['prune', '--apply', '-vv'], {}],
      [['repair', '--apply', '-vv'], {}],
      [['key', 'remove', (JSON.parse(added.stdout) as { added: { id: string } }).added.id, '-vv'], {}],
    ] as const) {
      const { code, stderr } = await at.run(words, { env })
      t.equal(code, 0, `${words.join(' ')}: ${stderr}`)
    }
    at.demandSecrecy(t)
  })

  await t.test('a source that fails, at once and at its end', async (t) => {
    const snapshot = readFileSync('examples/snapshot.db')
    Buffer.from(canary).copy(snapshot, snapshot.length - 2000)
    writeFileSync(at.at('input'), snapshot)
    const ended = await at.run(['run', '-vv'])
    t.equal(ended.code, 65, ended.stderr)
    rmSync(at.at('input'))
    t.equal((await at.run(['run', '-vv'])).code, 69)
    const etcd = `{ use: etcd, with: { location: 'etcd://127.0.0.1:1', username: root, password: '\${env:OF_ETCD}' } }`
    at.pipeline(etcd, '', 'etcd.yaml')
    for (const words of [['run'], ['plan'], ['config', 'show']])
      await at.run([...words, 'etcd.yaml', '-vv'], { env: { OF_ETCD: accessPassword } })
    t.match(at.said.at(-3), /127\.0\.0\.1:1/)
    at.demandSecrecy(t)
    writeFileSync(at.at('input'), pages(300))
  })

  await t.test('a full disk', async (t) => {
    const broken = brokenDisk(at, 'ENOSPC', { on: drafts, from: 2 })
    const ended = await at.run(['run', '-vv'], broken.options)
    t.equal(ended.code, 75, ended.stderr)
    t.ok(broken.times() > 0)
    rmSync(at.at('home', 'faults'))
    at.demandSecrecy(t)
  })

  await t.test('a hook that fails, before and after', async (t) => {
    for (const [when, code] of [
      ['before', 75],
      ['after', 3],
    ] as const) {
      at.pipeline('{ use: file, with: { path: ./input } }', `hooks: { ${when}: { run: 'false', onFailure: error } }`, 'hook.yaml')
      const ended = await at.run(['run', 'hook.yaml', '-vv'])
      t.equal(ended.code, code, ended.stderr)
    }
    at.demandSecrecy(t)
  })

  await t.test('a stage that fails, and one that breaks its thread', async (t) => {
    for (const [name, body] of [
      ['throws', "throw new Error('out of order')"],
      ['exits', 'process.exit(9)'],
    ]) {
      const stage = `kind: 'codec', seals: false, summary: 'fails', settings: { type: 'object', properties: {}, additionalProperties: false }`
      writeFileSync(at.at(`${name}.mjs`), `export default { ${stage}, open: () => ({ encode() { ${body} }, decode: (bytes) => bytes }) }\n`)
      writeFileSync(at.at('input'), pages(300))
      at.pipeline(
        '{ use: file, with: { path: ./input } }',
        `stages: [{ use: chunk }, { use: hash }, { use: ./${name}.mjs }, { use: seal }]`,
        `${name}.yaml`,
      )
      const ended = await at.run(['run', `${name}.yaml`, '-vv'])
      t.not(ended.code, 0, ended.stderr)
    }
    at.demandSecrecy(t)
  })

  await t.test('SIGINT and SIGKILL half way', async (t) => {
    t.equal((await endedHalfWay(at, 'SIGINT')).code, 130)
    at.demandSecrecy(t)
    t.equal((await endedHalfWay(at, 'SIGKILL')).signal, 'SIGKILL')
    at.demandSecrecy(t)
  })

  await t.test('keys that are wrong, malformed, or something else', async (t) => {
    const key = readFileSync(at.at('repository.key'), 'utf8')
    const phrase = readFileSync(at.at('phrase.txt'), 'utf8')
    writeFileSync(
      at.at('input'),
      key.replace(/[0-9a-f]\n$/, (last) => (last === '0\n' ? '1\n' : '0\n')),
    )
    const alone = ['snapshots', '--store', 'repository', '-vv']
    for (const [words, env] of [
      [['--key-file', 'input'], {}],
      [['--key-file', 'phrase.txt'], {}],
      [['--key-file', 'password.txt'], {}],
      [['--recovery-phrase-file', 'repository.key'], {}],
      [['--recovery-phrase-file', 'password.txt'], {}],
      [[], { KPIPE_RECOVERY_PHRASE: phrase.slice(0, -4) }],
      [[], { KPIPE_RECOVERY_PHRASE: key }],
      [[], { KPIPE_PASSWORD: phrase.trim() }],
    ] as const) {
      const { code, stderr } = await at.run([...alone, ...words], { env })
      t.equal(code, 12, `${words.join(' ')}: ${stderr}`)
    }
    at.demandSecrecy(t)
  })
})

test('what a restore leaves and says holds no secret but the restored file, whatever becomes of it', limit, async (t) => {
  const at = await made(t, true)
  writeFileSync(at.at('input'), noise(8))
  t.equal((await at.run(['run', '-q'])).code, 0)
  const restore = ['restore', 'latest', '-vv', '--to', 'out']
  const left = () => readdirSync(at.folder).filter((name) => name.includes('out'))

  await t.test('one that works', async (t) => {
    t.equal((await at.run(restore)).code, 0)
    t.same(left(), ['out'])
    at.demandSecrecy(t, ['out'])
    t.equal((await at.run([...restore])).code, 64, 'there is a file')
    at.demandSecrecy(t, ['out'])
    rmSync(at.at('out'))
  })

  await t.test('a target that is full or forbidden', async (t) => {
    const broken = brokenDisk(at, 'ENOSPC', { on: String.raw`\.out\.`, from: 1 })
    t.equal((await at.run(restore, broken.options)).code, 75)
    t.ok(broken.times() > 0)
    rmSync(at.at('home', 'faults'))
    t.equal((await at.run(['restore', 'latest', '--to', 'none/out', '-vv'])).code, 75)
    t.same(left(), [])
    at.demandSecrecy(t)
  })

  await t.test('a pack that is damaged in the middle', async (t) => {
    const [pack] = at.packs().toSorted((one, other) => sizeOf(at, other) - sizeOf(at, one))
    const path = at.at('repository', 'packs', pack)
    const bytes = readFileSync(path)
    writeFileSync(path, Buffer.from(bytes).fill(bytes[bytes.length >> 1] ^ 1, bytes.length >> 1, (bytes.length >> 1) + 1))
    t.equal((await at.run(restore)).code, 65)
    truncateSync(path, bytes.length >> 1)
    t.equal((await at.run(restore)).code, 65)
    t.same(left(), [])
    at.demandSecrecy(t)
    writeFileSync(path, bytes)
  })

  await t.test('SIGINT leaves nothing; SIGKILL leaves a part of the file, for its owner alone', async (t) => {
    const half = async (signal: NodeJS.Signals) => {
      const { child, ended } = at.spawn(restore, slowly(at))
      await meanwhile(
        until('a part of the file', () => left().some((name) => sizeOf(at, `../../${name}`) > 0)),
        ended,
      )
      child.kill(signal)
      const end = await ended
      at.said.push(end.stdout, end.stderr)
      return end
    }
    t.equal((await half('SIGINT')).code, 130)
    t.same(left(), [])
    at.demandSecrecy(t)
    t.equal((await half('SIGKILL')).signal, 'SIGKILL')
    const [part, ...others] = left()
    t.match(part, /^\.out\.[0-9a-f]+\.part$/)
    t.same(others, [])
    t.equal(statSync(at.at(part)).mode & 0o777, 0o600)
    at.demandSecrecy(t, [part])
  })
})

test('the search above finds what is planted where kpipe writes', limit, async (t) => {
  const at = await made(t)
  writeFileSync(at.at('input'), pages(10))
  at.pipeline(
    '{ use: file, with: { path: ./input } }',
    'plaintext: accepted\nstages: [{ use: chunk }, { use: hash }, { use: compress }]',
    'clear.yaml',
  )
  t.equal((await at.run(['run', 'clear.yaml', '-q'])).code, 0)
  const failures: unknown[] = []
  const witness = { same: (found: readonly unknown[]) => void (found.length > 0 && failures.push(...found)) } as unknown as typeof t
  at.demandSecrecy(witness)
  t.equal(failures.length, 1, 'a repository without a seal holds the canary, compressed')
  t.match(failures[0], /^canary as plain bytes in zstd in repository\/packs\//)
  for (const name of ['home/.local/state/kpipe/x', 'repository/tmp/x', 'tmp/x', 'metrics.prom', 'core', 'hooked-x']) {
    failures.length = 0
    writeFileSync(at.at(name), `..${Buffer.from(canary).toString('base64')}`, { mode: 0o644 })
    at.demandSecrecy(witness)
    t.ok(
      failures.some((found) => String(found).includes(name)),
      name,
    )
    rmSync(at.at(name))
  }
  appendFileSync(at.at('home/words'), readFileSync(at.at('phrase.txt')))
  failures.length = 0
  at.said.push(`${at.read('repository.key').toString()}`)
  at.demandSecrecy(witness)
  t.match(failures.join('\n'), /phrase as plain bytes in home\/words[^]*key as hex/)
})

test('a store holds no name in clear: of pipeline, snapshot, tag, host, source, stage or program', async (t) => {
  const at = await made(t)
  writeFileSync(at.at('input'), pages(50))
  const host = 'host-of-this-backup.example'
  const rename = `import os from 'node:os'\nimport { syncBuiltinESMExports } from 'node:module'\nos.hostname = () => '${host}'\n`
  writeFileSync(at.at('host.mjs'), `${rename}syncBuiltinESMExports()\n`)
  for (let round = 0; round < 2; round++) {
    const words = ['run', '-q', '--name', 'name-of-a-snapshot', '--tag', 'tag-of-a-snapshot']
    t.equal((await at.run(words, { nodeArguments: [`--import=${at.at('host.mjs')}`] })).code, 0)
  }
  t.match(await at.log(), [{}, { kind: 'OPEN', host }], 'the name is in the log, sealed')
  const page = at.read('input').subarray(0, 4096)
  const search = secretSearch({
    canary,
    host,
    pipeline: 'backup.yaml',
    name: 'name-of-a-snapshot',
    tag: 'tag-of-a-snapshot',
    stage: '@kpipe/stage',
    program: 'kpipe 0.',
    source: at.at('input'),
    kind: 'SNAPSHOT',
    field: 'manifest',
    'digest of a page': createHash('sha256').update(page).digest().subarray(0, 16),
    'a page': page.subarray(100, 120),
  })
  t.same(search.inFiles(at.at('repository')), [])
  t.ok(at.packs().length >= 2)
})

function sizeOf(at: SecretivePlace, pack: string): number {
  return statSync(at.at('repository', 'packs', pack)).size
}

/** Options under which each piece of a restored file that is read back takes its time, so that a signal comes half way. */
function slowly(at: SecretivePlace): KpipeOptions {
  writeFileSync(
    at.at('slow.mjs'),
    `import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
const { open } = fs.promises
fs.promises.open = async (path, ...rest) => {
  const handle = await open(path, ...rest)
  if (!/\\.out\\./.test(String(path))) return handle
  const read = handle.read.bind(handle)
  return Object.assign(handle, { read: (...words) => read(...words).then((done) => new Promise((go) => setTimeout(go, 300, done))) })
}
syncBuiltinESMExports()
`,
  )
  return at.options({ nodeArguments: [`--import=${at.at('slow.mjs')}`] })
}
