import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import { backedUp, initialized, sampleSnapshot } from '../support/workplace.ts'

const sample = readFileSync(sampleSnapshot)

test('restore writes the exact bytes, by -to as by --to, before or after the id', async (t) => {
  const { kpipe, at, id } = await backedUp(t)
  const ways = [
    [id, '-to', './a'],
    ['-to', './b', id.slice(0, 6)],
    ['latest', '--to', 'c'],
    ['rev:142', '--to=d'],
    ['@2099-01-01T00:00Z', '--to', 'e', '--name', 'sample'],
  ]
  for (const words of ways) {
    const { code, stderr } = await kpipe(['restore', ...words])
    t.equal(code, 0, stderr)
  }
  for (const name of 'abcde') t.ok(readFileSync(at(name)).equals(sample), name)
})

test('restore --to - writes the bytes to standard output and words to standard error', async (t) => {
  const { kpipe } = await backedUp(t)
  const { code, bytes, stderr } = await kpipe(['restore', 'latest', '-to', '-'])
  t.equal(code, 0)
  t.ok(bytes.equals(sample))
  t.match(stderr, /74 kB written to -/)
  const json = await kpipe(['restore', 'latest', '-to', '-', '--json'])
  t.ok(json.bytes.equals(sample))
  t.match(jsonLines(json.stderr).at(-1), { message_type: 'summary', bytes_written: 73760 })
})

test('repository and recovery phrase are enough', async (t) => {
  const { kpipe, at } = await backedUp(t)
  const phrase = readFileSync(at('phrase.txt'), 'utf8')
  renameSync(at('repository'), at('moved'))
  for (const name of ['backup.yaml', 'repository.key', 'snap.db', '.local']) rmSync(at(name), { recursive: true, force: true })
  t.equal((await kpipe(['restore', 'latest', '--store', 'moved', '--recovery-phrase-file', 'phrase.txt', '-to', 'a'])).code, 0)
  rmSync(at('phrase.txt'))
  t.equal((await kpipe(['restore', 'latest', '--store', 'moved', '-to', 'b'], { env: { KPIPE_RECOVERY_PHRASE: phrase } })).code, 0)
  for (const name of 'ab') t.ok(readFileSync(at(name)).equals(sample))
  t.match(await kpipe(['restore', 'latest', '--store', 'moved', '-to', 'c']), {
    code: 12,
    stderr: /neither a key file nor a recovery phrase/,
  })
  const wrong = `${phrase.slice(0, 3)}${phrase[3] === '7' ? '8' : '7'}${phrase.slice(4)}`
  t.match(await kpipe(['restore', 'latest', '--store', 'moved', '-to', 'c'], { env: { KPIPE_RECOVERY_PHRASE: wrong } }), {
    code: 12,
    stderr: /checksum/,
  })
  t.notOk(existsSync(at('c')))
})

test('a target that exists is refused and left as it is', async (t) => {
  const { kpipe, at } = await backedUp(t)
  writeFileSync(at('there'), 'mine')
  t.match(await kpipe(['restore', 'latest', '-to', 'there']), { code: 64, stderr: /there/ })
  t.equal(readFileSync(at('there'), 'utf8'), 'mine')
})

test('unknown and unclear ids exit 64', async (t) => {
  const { kpipe } = await backedUp(t)
  for (const id of ['ffffffff', 'latest~5', 'rev:7', '@2001-01-01T00:00Z', 'zz']) {
    t.equal((await kpipe(['restore', id, '-to', 'x'])).code, 64, id)
  }
  t.match(await kpipe(['restore', 'latest']), { code: 64, stderr: /restore: missing required flag to/i })
  t.match(await kpipe(['restore', 'latest', '--store', 'nowhere', '--key-file', 'repository.key', '--to', 'x']), { code: 10 })
})

test('a damaged or missing pack exits 65, names the snapshot, and leaves nothing at the target', async (t) => {
  const { kpipe, at, folder, id } = await backedUp(t)
  const packs = readdirSync(at('repository/packs'), { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{32}$/.test(name))
  const before = packs.map((name) => [join(at('repository/packs'), name), readFileSync(join(at('repository/packs'), name))] as const)
  t.ok(before.length > 0)
  for (const [file, bytes] of before) {
    const flipped = Buffer.from(bytes)
    flipped[Math.floor(bytes.length / 3)] ^= 1
    rmSync(file)
    writeFileSync(file, flipped)
  }
  t.match(await kpipe(['restore', 'latest', '-to', 'x']), { code: 65, stderr: new RegExp(id.slice(0, 12)) }, 'a flipped bit')
  for (const [file] of before) rmSync(file)
  t.match(await kpipe(['restore', 'latest', '-to', 'x']), { code: 65, stderr: new RegExp(id.slice(0, 12)) }, 'no pack')
  t.same(
    readdirSync(folder).filter((name) => name.startsWith('x')),
    [],
  )
})

const foreignCodec = `
const turn = (bytes) => Uint8Array.from(bytes, (byte) => byte ^ 0x5a)
export default {
  kind: 'codec', summary: 'turns bits', seals: false,
  settings: { type: 'object', properties: {}, additionalProperties: false },
  open: () => ({ encode: turn, decode: turn }),
}
`

test('a codec that is not of kpipe itself is loaded only when the user names it', async (t) => {
  const { kpipe, at, folder } = await initialized(t)
  writeFileSync(at('turn.mjs'), foreignCodec)
  const stages = 'stages: [{ use: chunk }, { use: hash }, { use: ./turn.mjs }, { use: seal }]'
  writeFileSync(at('backup.yaml'), `${readFileSync(at('backup.yaml'), 'utf8')}${stages}\n`)
  t.equal((await kpipe(['run', '-q'])).code, 0)
  const alone = ['restore', 'latest', '--store', 'repository', '--key-file', 'repository.key']
  t.match(await kpipe([...alone, '-to', 'a']), { code: 78, stderr: /made with \.\/turn\.mjs 0\.0\.0.*\n.*--stage name=path/ })
  t.notOk(existsSync(at('a')))
  t.equal((await kpipe([...alone, '--stage', './turn.mjs=turn.mjs', '-to', 'b'])).code, 0, 'named by a flag')
  t.equal((await kpipe(['restore', 'latest', '-c', at('backup.yaml'), '-to', at('c')], { cwd: '/' })).code, 0, 'named by the pipeline file')
  for (const name of 'bc') t.ok(readFileSync(join(folder, name)).equals(sample), name)
})

test('after damage the hint names the newest snapshot that is whole, with a command that works', async (t) => {
  const { kpipe, at, id } = await backedUp(t)
  const packsNow = () =>
    readdirSync(at('repository/packs'), { recursive: true, encoding: 'utf8' }).filter((name) => /[0-9a-f]{32}$/.test(name))
  const before = new Set(packsNow())
  rmSync(at('snap.db'))
  writeFileSync(at('snap.db'), Buffer.alloc(200_000, 'no database'))
  t.match(await kpipe(['run', '-q']), { code: 0 })
  const own = packsNow().filter((name) => !before.has(name))
  t.ok(own.length > 0)
  for (const name of own) rmSync(at('repository/packs', name))
  const failed = await kpipe(['restore', 'latest', '--to', 'it is', '--store', 'repository', '--key-file', 'repository.key'])
  t.equal(failed.code, 65)
  const [, command] = /whose objects are all there is of [^`]*: `([^`]+)`/.exec(failed.stderr)!
  t.equal(command, `kpipe restore ${id.slice(0, 12)} --to 'it is' --store repository --key-file repository.key`)
  t.equal((await kpipe(command.replace("'it is'", 'it').split(' ').slice(1))).code, 0)
  t.ok(readFileSync(at('it')).equals(sample))
  for (const name of before) rmSync(at('repository/packs', name))
  t.match(await kpipe(['restore', 'latest', '--to', 'x']), { code: 65, stderr: /no other snapshot of sample has all its objects/ })
})

test('restore --data-dir makes a data directory, says what is in it, and what it did beside', async (t) => {
  const { kpipe, at, folder, id } = await backedUp(t)
  const member = ['--name', 'm1', '--initial-cluster', 'm1=http://10.0.0.1:2380', '--initial-advertise-peer-urls', 'http://10.0.0.1:2380']
  const { code, stderr } = await kpipe(['restore', id, '--data-dir', 'data', ...member])
  t.equal(code, 0, stderr)
  t.match(stderr, /data directory data made in/)
  t.match(stderr, /member {2}m1, [0-9a-f]{16}\n {2}cluster [0-9a-f]{16}, this member alone\n {2}data .* for etcd 3\.6, revision 1000000142/)
  t.match(stderr, /warning: these are data of Kubernetes, so revisions go on from 1000000142/)
  t.match(stderr, /warning: authentication is on/)
  t.same(readdirSync(at('data', 'member')).toSorted(), ['snap', 'wal'])
  const json = await kpipe([
    'restore',
    'latest',
    '--data-dir',
    'more',
    '--no-bump',
    '--wal-dir',
    'logs',
    '--json',
    '--snapshot-name',
    'sample',
  ])
  t.match(jsonLines(json.stdout).at(-1), {
    message_type: 'summary',
    data_dir: 'more',
    member_id: '8e9e05c52164694d',
    cluster_id: 'cdf818194e3a8c32',
    bumped_to: null,
    revision: 142,
    auth_enabled: true,
    remarks: [/revisions go on from 142/, /authentication is on/],
  })
  t.same(
    readdirSync(folder).filter((name) => name.startsWith('.') && name !== '.local'),
    [],
  )
})

test('what cannot become a data directory is refused before anything is read', async (t) => {
  const { kpipe, at, folder, id } = await backedUp(t)
  rmSync(at('repository/packs'), { recursive: true })
  writeFileSync(at('there'), 'mine')
  const refused: [string[], RegExp][] = [
    [['--data-dir', 'there'], /there exists already and is no folder/],
    [['--data-dir', 'a', '--to', 'b'], /both/],
    [['--data-dir', 'a', '--name', 'm2', '--initial-cluster', 'm1=http://a:1'], /has no member m2/],
    [['--data-dir', 'a', '--bump-revision', '5'], /--mark-compacted/],
    [['--data-dir', 'a', '--etcd-version', '3.5'], /the snapshot is of etcd 3\.6, and etcd 3\.5, which is older/],
    [['--data-dir', 'a', '--owner', 'no-such-user:x'], /no user no-such-user/],
    [['--data-dir', 'a', '--snapshot-name', 'other'], /other/],
  ]
  for (const [words, stderr] of refused) t.match(await kpipe(['restore', id, ...words]), { code: 64, stderr }, words.join(' '))
  t.notOk(existsSync(join(folder, 'a')))
  const lost = await kpipe(['restore', id, '--data-dir', 'a'])
  t.equal(lost.code, 65, 'and then what is damaged leaves nothing')
  t.same(
    readdirSync(folder).filter((name) => name.includes('.part') || name === 'a'),
    [],
  )
})

test('what is no database of etcd becomes no data directory', async (t) => {
  const { kpipe, at, id } = await backedUp(t)
  rmSync(at('snap.db'))
  writeFileSync(at('snap.db'), Buffer.alloc(200_000, 'no database'))
  t.match(await kpipe(['run', '-q']), { code: 0 })
  t.match(await kpipe(['restore', 'latest', '--data-dir', 'a']), { code: 64, stderr: /holds no etcd database/ })
  t.equal((await kpipe(['restore', id, '--data-dir', 'a'])).code, 0)
  writeFileSync(at('snap.db'), sample.subarray(0, -32))
  t.match(await kpipe(['run', '-q']), { code: 0 })
  t.match(await kpipe(['restore', 'latest', '--data-dir', 'b']), { code: 64, stderr: /does not end with its SHA-256\n.*--skip-hash-check/ })
  t.equal((await kpipe(['restore', 'latest', '--data-dir', 'b', '--skip-hash-check'])).code, 0)
})
