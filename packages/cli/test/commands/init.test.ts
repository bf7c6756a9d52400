import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { initialized, workplace } from '../support/workplace.ts'

const mode = (file: string) => (statSync(file).mode & 0o777).toString(8)

test('init makes key, phrase and repository, readable by their owner alone, and says what to do with them', async (t) => {
  const { kpipe, at } = workplace(t)
  const { code, stdout, stderr } = await kpipe(['init', '-c', 'backup.yaml', '--recovery-phrase-file', 'safe/phrase.txt'])
  t.equal(code, 0, stderr)
  t.match(stdout, /repository [0-9a-f]+ created in .*repository/)
  t.match(stderr, /off this host/)
  t.match(stderr, /One repository is one copy/)
  t.equal(mode(at('repository.key')), '600')
  t.equal(mode(at('safe/phrase.txt')), '600')
  t.equal(mode(at('safe')), '700')
  t.equal(mode(at('repository')), '700')
  t.match(readFileSync(at('safe/phrase.txt'), 'utf8'), /^([0-9A-Z]{4}-){13}[0-9A-Z]{4}\n$/)
  t.notMatch(stdout + stderr, readFileSync(at('safe/phrase.txt'), 'utf8').trim())
})

test('init without a terminal refuses to make a phrase that nobody sees, and makes nothing', async (t) => {
  const { kpipe, folder } = workplace(t)
  const before = readdirSync(folder)
  t.match(await kpipe(['init']), { code: 64, stderr: /no terminal to show the recovery phrase on\n.*--recovery-phrase-file FILE/ })
  t.same(
    readdirSync(folder).filter((name) => !name.startsWith('.')),
    before,
  )
  t.match(await kpipe(['init', '--no-recovery-phrase', '--recovery-phrase-file', 'x']), { code: 64, stderr: /contradict/ })
})

test('init without a phrase is possible when it is asked for', async (t) => {
  const { kpipe, at } = workplace(t)
  const { code, stdout } = await kpipe(['init', 'backup.yaml', '--no-recovery-phrase', '--json'])
  t.equal(code, 0)
  t.match(JSON.parse(stdout), {
    message_type: 'summary',
    repository_id: /^[0-9a-f]+$/,
    key_created: true,
    recovery_phrase_file: null,
    head: /^0:[0-9a-f]{64}$/,
  })
  t.ok(existsSync(at('repository.key')))
})

test('init leaves an existing repository, its key and its phrase as they are', async (t) => {
  const { kpipe, at } = await initialized(t)
  const key = readFileSync(at('repository.key'))
  t.match(await kpipe(['init', '--recovery-phrase-file', 'other.txt']), { code: 64, stderr: /there is a repository in / })
  t.same(readFileSync(at('repository.key')), key)
  t.notOk(existsSync(at('other.txt')))
  rmSync(at('repository.key'))
  t.equal((await kpipe(['init', '--no-recovery-phrase'])).code, 64)
  t.notOk(existsSync(at('repository.key')))
})

test('init uses a key file that is there', async (t) => {
  const first = await initialized(t)
  const { kpipe, at } = workplace(t)
  copyFileSync(first.at('repository.key'), at('repository.key'))
  const { code, stdout } = await kpipe(['init', '--no-recovery-phrase'])
  t.equal(code, 0)
  t.match(stdout, /it was there before/)
  t.same(readFileSync(at('repository.key')), readFileSync(first.at('repository.key')))
  t.equal((await kpipe(['run', '-q'])).code, 0)
})

test('init finishes what an init that died has begun, with the same key and phrase', async (t) => {
  const { kpipe, at } = await initialized(t)
  const phrase = readFileSync(at('phrase.txt'), 'utf8')
  // The marker is written last: without it, init has died just before its end.
  rmSync(at('repository/repository'))
  const { code, stdout, stderr } = await kpipe(['init', '--recovery-phrase-file', 'phrase.txt'])
  t.equal(code, 0, stderr)
  t.match(stdout, /repository [0-9a-f]+ finished in /)
  t.equal(readFileSync(at('phrase.txt'), 'utf8'), phrase)
  t.equal((await kpipe(['run', '-q'])).code, 0)
  const withPhrase = await kpipe(['snapshots', '--store', 'repository', '--recovery-phrase-file', 'phrase.txt', '--json'])
  t.equal(JSON.parse(withPhrase.stdout).length, 1)
})

test('a phrase file that holds something else stops init before anything is made', async (t) => {
  const { kpipe, at } = workplace(t)
  writeFileSync(at('phrase.txt'), 'my shopping list')
  t.match(await kpipe(['init', '--recovery-phrase-file', 'phrase.txt']), { code: 12, stderr: /not a recovery phrase/ })
  t.notOk(existsSync(at('repository.key')))
  t.notOk(existsSync(at('repository')))
})

test('init writes the schema for editors when asked to, and its line once', async (t) => {
  const { kpipe, at } = workplace(t)
  const before = readFileSync(at('backup.yaml'), 'utf8')
  t.match(await kpipe(['init', '--no-recovery-phrase', '--editor-schema']), { code: 0 })
  t.equal(readFileSync(at('backup.yaml'), 'utf8'), `# yaml-language-server: $schema=./kpipe.schema.json\n${before}`)
  t.match(JSON.parse(readFileSync(at('kpipe.schema.json'), 'utf8')), { $schema: /2020-12/ })
  rmSync(at('repository'), { recursive: true })
  t.match(await kpipe(['init', '--no-recovery-phrase', '--editor-schema']), { code: 0 })
  t.equal(readFileSync(at('backup.yaml'), 'utf8').match(/yaml-language-server/g)?.length, 1)
})
