import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test, type Test } from 'tap'
import { newRecoveryPhrase } from '../packages/repository/src/keys/recovery-phrase.ts'
import { fails } from './support/failing.ts'
import { filesUnder, lastLine, place, type Place } from './support/place.ts'
import { publishTwin } from './support/twin-snapshot.ts'

const source = '{ use: file, with: { path: ./input } }'

/** A place with one snapshot. */
async function backedUp(t: Test): Promise<Place> {
  const at = await place(t, source)
  writeFileSync(at.at('input'), 'some bytes')
  t.equal((await at.kpipe(['run', '-q'])).code, 0)
  return at
}

test('a key or phrase that is wrong, missing or malformed: 12, for every command that opens the repository', async (t) => {
  const at = await backedUp(t)
  const other = await place(t, source)
  const key = readFileSync(at.at('repository.key'), 'utf8')
  const phrase = readFileSync(at.at('phrase.txt'), 'utf8').trim()
  mkdirSync(at.at('keys'))
  const file = (name: string, text: string) => {
    writeFileSync(at.at('keys', name), text, { mode: 0o600 })
    return `keys/${name}`
  }
  const restore = ['restore', 'latest', '-to', './snap']
  const swapped = `${phrase.slice(0, 5)}${phrase[6]}${phrase[5]}${phrase.slice(7)}`
  const cases = [
    [
      'KPIPE_KEY_WRONG',
      ['--key-file', file('other', readFileSync(other.at('repository.key'), 'utf8'))],
      ['keys/other', 'does not open'],
      /made when this repository was created/,
    ],
    [
      'KPIPE_KEY_WRONG',
      ['--recovery-phrase-file', file('phrase', newRecoveryPhrase())],
      ['the recovery phrase does not open'],
      /made when this repository/,
    ],
    ['KPIPE_KEY_MISSING', ['--key-file', 'keys/absent'], ['keys/absent'], /--recovery-phrase-file/],
    ['KPIPE_KEY_MISSING', ['--recovery-phrase-file', 'keys/absent'], ['keys/absent'], /--recovery-phrase-file/],
    ['KPIPE_KEY_MALFORMED', ['--key-file', file('short', key.slice(0, 40))], ['keys/short', 'cut off'], /cut short or mistyped/],
    ['KPIPE_KEY_MALFORMED', ['--key-file', file('empty', '')], ['keys/empty', 'it is empty'], /cut short or mistyped/],
    [
      'KPIPE_KEY_MALFORMED',
      [
        '--key-file',
        file(
          'typo',
          key.replace(/[0-9a-f](?=[0-9a-f:]{0,3}\s*$)/, (digit) => (digit === '0' ? '1' : '0')),
        ),
      ],
      ['keys/typo'],
      /mistyped/,
    ],
    [
      'KPIPE_KEY_MALFORMED',
      ['--recovery-phrase-file', file('swapped', swapped === phrase ? phrase.slice(1) : swapped)],
      ['not a recovery phrase'],
      /mistyped/,
    ],
  ] as const
  for (const [code, words, says, hint] of cases) await fails(t, at, [...restore, ...words], { code, says: [...says], hint })
  const wrong = { code: 'KPIPE_KEY_WRONG', says: ['keys/other'], hint: /made when this/ } as const
  for (const command of [['run'], ['snapshots'], ['status', 'latest']]) await fails(t, at, [...command, '--key-file', 'keys/other'], wrong)
  rmSync(at.at('repository.key'))
  await fails(t, at, ['run'], { code: 'KPIPE_KEY_MISSING', says: [at.at('repository.key')], hint: /--key-file/ })
  await fails(t, at, ['snapshots', '--store', 'repository'], {
    code: 'KPIPE_KEY_MISSING',
    says: ['neither a key file nor a recovery phrase'],
    hint: /KPIPE_RECOVERY_PHRASE/,
  })
})

test('an unreadable key file', async (t) => {
  const at = await backedUp(t)
  const isRoot = process.getuid?.() === 0
  chmodSync(at.folder, 0o755)
  chmodSync(at.at('repository.key'), 0o000)
  chmodSync(at.at('repository'), 0o755)
  chmodSync(at.at('repository', 'repository'), 0o644)
  await fails(
    t,
    at,
    ['snapshots'],
    { code: 'KPIPE_KEY_UNREADABLE', says: [at.at('repository.key'), 'EACCES'], hint: /user that owns the key file/ },
    isRoot ? { uid: 65534 } : {},
  )
})

test('a snapshot that is unknown or not the only one, a target that exists: 64, and nothing is written', async (t) => {
  const at = await backedUp(t)
  const [{ id }] = JSON.parse((await at.kpipe(['snapshots', '--json'])).stdout) as [{ id: string }]
  const absent = id.startsWith('0000') ? 'ffff' : '0000'
  const unknown = (reference: string) => ({ code: 'KPIPE_UNKNOWN_SNAPSHOT', says: [reference], hint: /`kpipe snapshots`/ }) as const
  for (const reference of [absent, 'latest~1', 'rev:77', '@2001-01-01T00:00Z', 'nonsense', id.slice(0, 3)]) {
    await fails(t, at, ['restore', reference, '-to', './snap'], unknown(reference))
  }
  writeFileSync(at.at('there'), 'mine')
  await fails(t, at, ['restore', 'latest', '-to', './there'], {
    code: 'KPIPE_TARGET_EXISTS',
    says: [at.at('there')],
    hint: /overwrites nothing/,
  })
  t.equal(readFileSync(at.at('there'), 'utf8'), 'mine')

  at.pipeline(source, '', 'second.yaml')
  t.equal((await at.kpipe(['run', '-q', 'second.yaml'])).code, 0)
  for (const command of [
    ['restore', 'latest', '-to', './snap'],
    ['status', 'latest'],
  ]) {
    await fails(t, at, command, { code: 'KPIPE_AMBIGUOUS_SNAPSHOT', says: ['backup, second'], hint: /--name/ })
  }
  t.equal((await at.kpipe(['restore', 'latest', '--name', 'second', '-to', './snap'])).code, 0)
})

test('a prefix that two ids share is refused with both ids', async (t) => {
  const at = await backedUp(t)
  const ids = await publishTwin(at.at('repository'), at.at('repository.key'))
  await fails(t, at, ['restore', ids[0].slice(0, 4), '-to', './snap'], {
    code: 'KPIPE_AMBIGUOUS_SNAPSHOT',
    says: ids.map((id) => id.slice(0, 12)),
    hint: /more digits of the id/,
  })
  t.equal((await at.kpipe(['restore', ids[1], '-to', './snap'])).code, 0, 'the whole id is one snapshot')
})

test('init where a repository is: 64, and not one byte changes', async (t) => {
  const at = await backedUp(t)
  const all = () =>
    filesUnder(at.folder)
      .filter((name) => !name.startsWith('home/'))
      .map((name) => [name, readFileSync(at.at(name), 'hex')])
  const before = all()
  for (const words of [['--no-recovery-phrase'], ['--recovery-phrase-file', 'second.txt']]) {
    await fails(t, at, ['init', ...words], { code: 'KPIPE_REPOSITORY_EXISTS', says: [at.at('repository')], hint: /Nothing was changed/ })
  }
  t.same(all(), before)
  rmSync(at.at('repository.key'))
  await fails(t, at, ['init', '--no-recovery-phrase'], {
    code: 'KPIPE_REPOSITORY_EXISTS',
    says: [at.at('repository')],
    hint: /Nothing was changed/,
  })
  t.notOk(filesUnder(at.folder).includes('repository.key'), 'also when its key is not here')
})

test('an existing key file is used; without a terminal, a place for the phrase must be named', async (t) => {
  const one = await place(t, source)
  const at = await place(t, source)
  rmSync(at.at('repository'), { recursive: true })
  writeFileSync(at.at('repository.key'), readFileSync(one.at('repository.key')))
  await fails(t, at, ['init'], { code: 'KPIPE_USAGE', says: ['no terminal'], hint: /--recovery-phrase-file FILE, or --no-recovery-phrase/ })
  t.notOk(filesUnder(at.folder).some((name) => name.startsWith('repository/')))
  const made = await at.kpipe(['init', '--json', '--no-recovery-phrase'])
  t.equal(made.code, 0, made.stderr)
  t.match(lastLine(made), { message_type: 'summary', key_created: false, repository_id: /^[0-9a-f]{32}$/ })
  t.ok(readFileSync(at.at('repository.key')).equals(readFileSync(one.at('repository.key'))))
  const told = await at.kpipe(['snapshots'])
  t.equal(told.code, 0, told.stderr)
})

test('init ends by saying that key and phrase belong elsewhere and that one repository is one copy', async (t) => {
  const at = await place(t, source)
  rmSync(at.at('repository'), { recursive: true })
  for (const name of ['repository.key', 'phrase.txt']) rmSync(at.at(name))
  const { code, stdout, stderr } = await at.kpipe(['init', 'backup.yaml', '--recovery-phrase-file', 'phrase.txt'])
  t.equal(code, 0)
  t.match(stdout + stderr, /Keep a copy of the key, and the recovery phrase, off this host[^]*One repository is one copy/)
  t.notOk((stdout + stderr).includes(readFileSync(at.at('phrase.txt'), 'utf8').trim()))
})
