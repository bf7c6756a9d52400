import { cpSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { typedSecret } from '../../src/where/secret.ts'
import { waitingRun } from '../support/waiting-run.ts'
import { backedUp, initialized } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'

interface Row {
  readonly id: string
  readonly kind: string
  readonly created: string
  readonly epoch: number
  readonly opened: boolean
}

async function listed(place: Workplace, ...words: string[]): Promise<Row[]> {
  const { code, stdout, stderr } = await place.kpipe(['key', 'list', '--json', ...words])
  if (code !== 0) throw new Error(`key list: ${stderr}${stdout}`)
  return JSON.parse(stdout) as Row[]
}

const alone = (...secret: string[]) => ['snapshots', '--store', 'repository', '--json', ...secret]

test('key list shows the slots, and which one opened the repository', async (t) => {
  const place = await initialized(t)
  const { stdout } = await place.kpipe(['key', 'list'])
  const lines = stdout.trimEnd().split('\n')
  t.match(lines[0], /^SLOT {2,}KIND {2,}CREATED {2,}EPOCH/)
  t.match(lines[1], /^[0-9a-f]{16} {2}key file {9}\d{4}-\S+ +1 {2}opened this$/)
  t.match(lines[2], /^[0-9a-f]{16} {2}recovery phrase {2}\d{4}-\S+ +1$/)
  t.match(await listed(place, '--recovery-phrase-file', 'phrase.txt'), [
    { kind: 'key-file', epoch: 1, opened: false },
    { kind: 'recovery-phrase', created: /^\d{4}-.*Z$/, opened: true },
  ])
  t.match(await place.kpipe(['key']), { code: 64, stderr: /only the beginning of key list, key add, key remove, key rotate/ })
})

test('a key file, a phrase and a password that were added open the repository', async (t) => {
  const place = await backedUp(t)
  const { kpipe, at, id } = place
  t.match(await kpipe(['key', 'add', '--new-key-file', 'safe/second.key', '--json']), { code: 0, stdout: /"kind":"key-file"/ })
  t.equal(statSync(at('safe/second.key')).mode & 0o777, 0o600)
  t.match(await kpipe(['key', 'add', '--new-recovery-phrase-file', 'other.txt']), {
    code: 0,
    stdout: /^added key slot [0-9a-f]{16}, a recovery phrase\n  head    \d+:[0-9a-f]{64}\n$/,
  })
  writeFileSync(at('password'), 'correct horse\n')
  t.equal((await kpipe(['key', 'add', '--new-password-file', 'password'])).code, 0)
  t.equal((await kpipe(['key', 'add', '--new-password'], { env: { KPIPE_NEW_PASSWORD: 'battery staple' } })).code, 0)
  const ways: [string[], Record<string, string>][] = [
    [['--key-file', 'safe/second.key'], {}],
    [['--recovery-phrase-file', 'other.txt'], {}],
    [['--password-file', 'password'], {}],
    [[], { KPIPE_PASSWORD: 'battery staple' }],
  ]
  for (const [flags, env] of ways) t.match(JSON.parse((await kpipe(alone(...flags), { env })).stdout), [{ id }], flags.join())
  t.match(await kpipe(alone(), { env: { KPIPE_PASSWORD: 'wrong horse' } }), { code: 12, stdout: /KPIPE_KEY_WRONG/ })
  t.match(await kpipe(['key', 'add', '--new-key-file', 'safe/second.key']), { code: 64, stderr: /opens the repository already/ })
  t.equal((await listed(place)).length, 6)
})

test('the pipeline file may name a password, from a file or the environment', async (t) => {
  const { kpipe, at } = await initialized(t)
  writeFileSync(at('password'), 'correct horse\n', { mode: 0o600 })
  await kpipe(['key', 'add', '--new-password-file', 'password'])
  const text = readFileSync(at('backup.yaml'), 'utf8')
  const withKey = (key: string) => writeFileSync(at('backup.yaml'), text.replace('{ file: repository.key }', key))
  withKey('{ passwordFile: password }')
  t.equal((await kpipe(['run', '-q'])).code, 0)
  t.match(await kpipe(['lint']), { code: 0, stderr: /no errors, no warnings/ })
  withKey('{ password: "${env:SECRET_OF_MINE}" }')
  const env = { SECRET_OF_MINE: 'correct horse' }
  t.equal((await kpipe(['run', '-q'], { env })).code, 0)
  const shown = await kpipe(['config', 'show'], { env })
  t.match(shown.stdout, /key\.password +\*+ /)
  t.notMatch(shown.stdout, 'correct horse')
  withKey('{ password: correct horse }')
  t.match(await kpipe(['lint']), { stdout: /password stands in the file itself/ })
  withKey('{ passwordFile: password, file: repository.key }')
  t.match(await kpipe(['run']), { code: 78, stderr: /"key" must have one of file, passwordFile and password/ })
})

test('passwords are refused on the command line, and contradictions and nothing are named', async (t) => {
  const { kpipe, at } = await initialized(t)
  const secret = 'hunter2secret'
  for (const words of [
    ['key', 'add', '--password', secret],
    ['snapshots', `--password=${secret}`],
  ]) {
    const { code, stdout, stderr } = await kpipe(words)
    t.equal(code, 64)
    t.match(stderr, /does not belong on a command line/)
    t.notMatch(stdout + stderr, secret)
  }
  t.match(await kpipe(['key', 'add']), { code: 64, stderr: /nothing says what to add\n.*--new-key-file/ })
  t.match(await kpipe(['key', 'add', '--new-password', '--new-key-file', 'x']), { code: 64, stderr: /both given/ })
  t.notOk(existsSync(at('x')))
  t.match(await kpipe(['key', 'add', '--new-password']), { code: 64, stderr: /no terminal to ask/ })
  t.match(await kpipe(['key', 'add', '--new-recovery-phrase']), { code: 64, stderr: /no terminal to show/ })
  t.match(await kpipe(['key', 'list', '--key-file', 'a', '--password-file', 'b']), {
    code: 64,
    stderr: /--key-file and --password-file were both given/,
  })
  t.match(await kpipe(['key', 'add', '--new-password'], { env: { KPIPE_NEW_PASSWORD: '\n' } }), { code: 12, stderr: /password is empty/ })
})

test('a removed key opens nothing, and the last one stays', async (t) => {
  const place = await backedUp(t)
  const { kpipe } = place
  const [keyFile, phrase] = await listed(place)
  const removed = await kpipe(['key', 'remove', phrase!.id.slice(0, 8)])
  t.match(removed, { code: 0, stdout: `removed key slot ${phrase!.id}, a recovery phrase\n`, stderr: /revokes nothing yet.*key rotate/ })
  t.match(await kpipe(alone('--recovery-phrase-file', 'phrase.txt')), { code: 12 })
  t.match(await kpipe(['key', 'remove', keyFile!.id]), { code: 64, stderr: /last key slot/ })
  t.match(await kpipe(['key', 'remove', 'ffff']), { code: 64, stderr: /no key slot ffff/ })
  t.equal((await kpipe(['run', '-q'])).code, 0)
})

test('after remove and rotate a stolen key and an old copy of the repository read nothing new, and backups go on', async (t) => {
  const place = await backedUp(t)
  const { kpipe, at, id } = place
  await kpipe(['key', 'add', '--new-key-file', 'stolen.key'])
  cpSync(at('repository'), at('copy'), { recursive: true })
  const stolen = (await listed(place, '--key-file', 'stolen.key')).find(({ opened }) => opened)!
  t.equal((await kpipe(['key', 'remove', stolen.id])).code, 0)
  // Any one of the secrets is enough.
  const rotated = await kpipe(['key', 'rotate', '--json', '--recovery-phrase-file', 'phrase.txt'])
  t.match(JSON.parse(rotated.stdout), { message_type: 'summary', epoch: 2, slots: 2, head: /^\d+:[0-9a-f]{64}$/ })
  const run = await kpipe(['run', '--json'])
  t.equal(run.code, 0)
  t.match(JSON.parse(run.stdout.trim().split('\n').at(-1)!), { chunks_fresh: 0 })
  cpSync(at('copy/keys', stolen.id), at('repository/keys', stolen.id), { recursive: true })
  t.match(await kpipe(alone('--key-file', 'stolen.key')), { code: 12, stdout: /KPIPE_KEY_WRONG.*removed/ })
  t.match(await kpipe(['key', 'list', '-v']), { code: 0, stderr: new RegExp(`keys/${stolen.id}/0000000001 is not listed`) })
  for (const snapshot of [id, 'latest']) {
    t.equal((await kpipe(['restore', snapshot, '--to', `${snapshot}.db`, '-q'])).code, 0)
    t.ok(readFileSync(at(`${snapshot}.db`)).equals(readFileSync(at('snap.db'))))
  }
  // What the old copy holds, it keeps.
  const old = await kpipe(['snapshots', '--store', 'copy', '--key-file', 'stolen.key', '--json'], { env: { XDG_STATE_HOME: '/proc/none' } })
  t.match(JSON.parse(old.stdout), [{ id }])
})

test('a run that is caught by a rotation exits 11 and publishes nothing; the next one works', async (t) => {
  const place = await initialized(t)
  const { child, ended } = await waitingRun(place)
  const opens = () => readdirSync(place.at('repository/log')).length
  for (let waited = 0; opens() < 2 && waited < 200; waited++) await new Promise((done) => setTimeout(done, 25))
  t.equal(opens(), 2, 'its OPEN is there')
  t.equal((await place.kpipe(['key', 'rotate'])).code, 0)
  child.stdin!.end()
  const { code, stdout, stderr } = await ended
  t.equal(code, 11, stdout + stderr)
  t.match(stdout, /KPIPE_APPEND_LOST.*rotated/)
  t.same(JSON.parse((await place.kpipe(['snapshots', '--json'])).stdout), [])
  t.equal((await place.kpipe(['run', '-q'])).code, 0)
})

test('a damaged slot and a wrong key are told apart', async (t) => {
  const place = await initialized(t)
  const [own] = await listed(place)
  const file = place.at('repository/keys', own!.id, '0000000001')
  const bytes = readFileSync(file)
  bytes[80]! ^= 1
  rmSync(file)
  writeFileSync(file, bytes)
  t.match(await place.kpipe(['key', 'list']), { code: 65, stderr: new RegExp(`keys/${own!.id}/0000000001`) })
  const other = await initialized(t)
  t.match(await place.kpipe(alone('--key-file', other.at('repository.key'))), { code: 65 })
  t.match(await other.kpipe(alone('--key-file', place.at('repository.key'))), { code: 12, stdout: /KPIPE_KEY_WRONG/ })
  t.equal((await place.kpipe(alone('--recovery-phrase-file', 'phrase.txt'))).code, 0)
})

test('a slot that is gone stops a rotation, which names the command that takes it off the list', async (t) => {
  const place = await initialized(t)
  const [, phrase] = await listed(place)
  rmSync(place.at('repository/keys', phrase!.id, '0000000001'))
  const { code, stderr } = await place.kpipe(['key', 'rotate'])
  t.equal(code, 65)
  t.match(stderr, `kpipe key remove ${phrase!.id}`)
  t.equal((await place.kpipe(['key', 'remove', phrase!.id])).code, 0)
  t.equal((await place.kpipe(['key', 'rotate'])).code, 0)
})

test('what is typed is a phrase when it looks like one, also with a slip in it, and a password otherwise', async (t) => {
  const phrase = 'CSK6-CSK6-CSK6-CSK6-CSK6-CSK6-CSK6-CSK6-CSK6-CSK6-CSK6-CSK6-CSKD-Y2XY'
  t.equal(typedSecret(phrase).kind, 'recovery-phrase')
  t.throws(() => typedSecret(phrase.replace('D', 'E')), { code: 'KPIPE_KEY_MALFORMED', message: /checksum/ })
  t.throws(() => typedSecret(phrase.slice(1)), { code: 'KPIPE_KEY_MALFORMED', message: /55 symbols/ })
  t.same(typedSecret('correct horse'), { kind: 'password', password: 'correct horse' })
})
