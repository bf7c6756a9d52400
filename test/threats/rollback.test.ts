import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { historian, type Historian } from '../support/history.ts'
import { filesUnder } from '../support/place.ts'

const limit = { timeout: 120_000 }

/** Snapshots of three inputs; the repository is kept as it was after each. */
async function threeDays(at: Historian): Promise<{ id: string; head: string }[]> {
  const days: { id: string; head: string }[] = []
  for (const day of ['before', 'yesterday', 'today']) {
    writeFileSync(at.at('input'), randomBytes(100_000))
    copyFileSync(at.at('input'), at.at(`input-of-${day}`))
    const { snapshot_id: id, head } = await at.json(['run'])
    days.push({ id: String(id), head: String(head) })
    at.keep(day)
  }
  return days
}

/** Everything in the repository, to see that nothing was written. */
const contents = (at: Historian) => filesUnder(at.at('repository')).map((name) => [name, at.read(`repository/${name}`).toString('hex')])

test('a store that shows an older state is written to by nothing, and read with what it has', limit, async (t) => {
  const at = await historian(t)
  const [before, yesterday, today] = await threeDays(at)
  const { id: slot } = (JSON.parse((await at.kpipe(['key', 'list', '--json'])).stdout) as { id: string; kind: string }[]).find(
    ({ kind }) => kind === 'recovery-phrase',
  )!
  writeFileSync(at.at('password'), 'long enough\n')
  at.show('yesterday')
  const shown = contents(at)

  for (const words of [
    ['run'],
    ['forget', '--keep-last', '1', '--apply'],
    ['forget', before.id, '--apply', '--force'],
    ['key', 'add', '--new-password-file', 'password'],
    ['key', 'remove', slot],
    ['key', 'rotate'],
    ['prune', '--apply'],
    ['repair', '--apply'],
  ]) {
    const { code, stdout } = await at.kpipe([...words, '--json'])
    const failure = JSON.parse(stdout.trim().split('\n').at(-1)!) as { code: string; message: string }
    t.match({ code, failure }, { code: 65, failure: { code: 'KPIPE_ROLLBACK' } }, words.join(' '))
    for (const head of [yesterday.head, today.head]) t.ok(failure.message.includes(head), `${words.join(' ')} names ${head}`)
  }
  for (const words of [['snapshots'], ['check', '--read-data'], ['key', 'list'], ['restore', 'latest', '--to', 'out']]) {
    const { code, stderr } = await at.kpipe(words)
    t.equal(code, 3, `${words.join(' ')}: ${stderr}`)
    for (const head of [yesterday.head, today.head]) t.ok(stderr.includes(head), `${words.join(' ')} names ${head}`)
  }
  t.ok(at.read('out').equals(at.read('input-of-yesterday')), 'a repository that was copied back from yesterday restores')
  t.same(contents(at), shown, 'nothing was written')

  // Whoever names the very state that is there knows what he does.
  t.equal((await at.kpipe(['run', '-q'], { env: { KPIPE_EXPECT_HEAD: today.head } })).code, 65)
  t.equal((await at.kpipe(['run', '-q'], { env: { KPIPE_EXPECT_HEAD: yesterday.head } })).code, 0)
  t.equal((await at.kpipe(['run', '-q'])).code, 0, 'and from then on it is the history')
  at.show('today')
  t.equal((await at.kpipe(['run', '-q'])).code, 65, 'while the other one is now the strange one')
})

test('a host without memory is told what to expect', limit, async (t) => {
  const at = await historian(t)
  const [, yesterday, today] = await threeDays(at)
  at.show('yesterday')
  let hosts = 0
  const newHost = () => ({ XDG_STATE_HOME: at.at(`state-of-${++hosts}`) })
  for (const words of [['snapshots'], ['snapshots', '--store', 'repository', '--key-file', 'repository.key']]) {
    const env = newHost()
    const { code, stderr } = await at.kpipe(words, { env })
    t.equal(code, 0, 'what it never saw it cannot miss')
    const said = stderr.split('\n').filter((line) => line.includes('no state of'))
    t.equal(said.length, 1, 'and says so, once')
    t.ok(said[0].includes(yesterday.head))
  }
  const env = newHost()
  t.equal((await at.kpipe(['run', '-q'], { env })).stderr.match(/no state of/g)?.length, 1)
  t.equal((await at.kpipe(['run', '-q'], { env })).stderr, '', 'from then on it remembers')
  at.show('yesterday')

  for (const [words, expected] of [
    [['run'], 65],
    [['snapshots'], 3],
    [['restore', 'latest', '--to', 'out'], 3],
    [['check'], 3],
  ] as const) {
    // Both ways to say it, in turn.
    const [flags, env] = words[0].startsWith('r') ? [['--expect-head', today.head], {}] : [[], { KPIPE_EXPECT_HEAD: today.head }]
    const ended = await at.kpipe([...words, ...flags], { env: { ...newHost(), ...env } })
    t.equal(ended.code, expected, `${words.join(' ')}: ${ended.stderr}`)
    t.ok(ended.stderr.includes(today.head))
  }
  at.show('today')
  for (const head of [yesterday.head, today.head])
    t.equal((await at.kpipe(['snapshots', '--expect-head', head], { env: newHost() })).code, 0, 'a head that is in the log is met')
  t.equal((await at.kpipe(['snapshots', '--expect-head', 'today'], { env: newHost() })).code, 64)
})

test('two histories are noticed as soon as one host sees the other one', limit, async (t) => {
  const at = await historian(t)
  await threeDays(at)
  const hosts = ['one', 'other'].map((name) => ({ env: { XDG_STATE_HOME: at.at(`state-${name}`) } }))
  for (const host of hosts) t.equal((await at.kpipe(['snapshots', '-q'], host)).code, 0)
  // The store shows each of them a history of its own from here on.
  for (const [index, host] of hosts.entries()) {
    at.show('today')
    for (let round = 0; round <= index; round++) {
      writeFileSync(at.at('input'), randomBytes(50_000))
      t.equal((await at.kpipe(['run', '-q'], host)).code, 0)
    }
    at.keep(`branch-${index}`)
  }
  at.show('branch-1')
  t.equal((await at.kpipe(['snapshots', '-q'], hosts[1])).code, 0)
  t.equal((await at.kpipe(['run', '-q'], hosts[0])).code, 65, 'it is longer, but not what the first one wrote')
  t.equal((await at.kpipe(['snapshots', '-q'], hosts[0])).code, 3)
  at.show('branch-0')
  t.equal((await at.kpipe(['run', '-q'], hosts[1])).code, 65)

  // Entries of both, one after the other, are no history at all.
  at.show('branch-0')
  for (const n of [9, 10]) copyFileSync(at.at('kept-branch-1', 'log', entry(n)), at.at('repository', 'log', entry(n)))
  t.ok(existsSync(at.at('repository', 'log', entry(8))))
  const mixed = await at.kpipe(['snapshots'], { env: { XDG_STATE_HOME: at.at('state-of-nobody') } })
  t.match(mixed, { code: 65, stderr: /log\/0{19}9 .* does not follow the entry before it/ })
})

test('every summary has the head', limit, async (t) => {
  const at = await historian(t)
  const head = /\b\d+:[0-9a-f]{64}\b/
  writeFileSync(at.at('input'), randomBytes(10_000))
  mkdirSync(at.at('second'))
  writeFileSync(at.at('second/backup.yaml'), readFileSync(at.at('backup.yaml')))
  for (const words of [
    ['init', '--no-recovery-phrase', '-c', 'second/backup.yaml'],
    ['run'],
    ['check'],
    ['forget', '--keep-last', '1', '--apply', '--force'],
    ['key', 'add', '--new-key-file', 'added.key'],
    ['key', 'rotate'],
    ['restore', 'latest', '--to', 'out'],
  ]) {
    const [json, text] = words[0] === 'init' ? [false, true] : [true, true]
    if (json) t.match(await at.json(words), { message_type: 'summary', head }, words.join(' '))
    for (const name of ['out', 'added.key']) rmSync(at.at(name), { force: true })
    if (text) {
      const { code, stdout, stderr } = await at.kpipe(words)
      t.equal(code, 0, stderr)
      t.match(`${stdout}${stderr}`, head, words.join(' '))
    }
  }
})

function entry(n: number): string {
  return String(n).padStart(20, '0')
}
