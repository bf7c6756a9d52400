import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { test } from 'tap'
import type { Ended } from '../support/kpipe.ts'
import { place, type Place } from '../support/place.ts'

/** Clears the screen, sets the title, hides text, begins a sequence in one byte, goes back in the line, turns text around. */
const attack = '\u001B[2J\u001B]0;owned\u0007\u001B[8m\u009B31m\r\b\u202Eerif'
const limit = { timeout: 120_000 }

/** What a terminal would act on, but for line feeds, tabs and the colours that kpipe has only on a terminal. */
// oxlint-disable-next-line no-control-regex -- that is what is looked for
const raw = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/

function tame(t: { notMatch(text: string, pattern: RegExp, what: string): unknown }, { stdout, stderr }: Ended, what: string): void {
  t.notMatch(stdout, raw, `${what}: standard output`)
  t.notMatch(stderr, raw, `${what}: standard error`)
}

async function backedUp(t: Parameters<typeof place>[0]): Promise<Place> {
  const at = await place(t, '{ use: file, with: { path: ./input } }')
  writeFileSync(at.at('input'), 'some bytes')
  return at
}

test('names that a storage makes up reach no terminal raw, and hinder nothing', limit, async (t) => {
  const at = await backedUp(t)
  t.equal((await at.kpipe(['run', '-q'])).code, 0)
  const [slot] = readdir(at, 'keys')
  for (const name of [attack, `x${attack}`]) {
    for (const folder of ['', 'keys', `keys/${slot}`, 'log', 'packs', 'packs/00', 'checkpoint']) {
      mkdirSync(at.at('repository', folder), { recursive: true })
      writeFileSync(at.at('repository', folder, name), 'junk')
    }
    mkdirSync(at.at('repository/keys', `dir${name}`))
    writeFileSync(at.at('repository/keys', `dir${name}`, '0000000001'), 'junk')
  }
  for (const words of [
    ['snapshots'],
    ['run'],
    ['check', '--read-data'],
    ['key', 'list', '-vv'],
    ['key', 'rotate'],
    ['prune', '--apply'],
    ['repair', '--apply'],
    ['plan'],
    ['restore', 'latest', '--to', 'out'],
  ]) {
    for (const format of words[0] === 'check' ? [[], ['--json']] : [[]]) {
      const ended = await at.kpipe([...words, ...format])
      t.equal(ended.code, 0, `${words.join(' ')}: ${ended.stderr}`)
      tame(t, ended, words.join(' '))
      rmSync(at.at('out'), { force: true })
    }
  }
  // An init that takes them for remains of another one names them.
  for (const name of ['repository', 'packs']) rmSync(at.at('repository', name), { recursive: true })
  for (const name of readdir(at, 'log')) rmSync(at.at('repository/log', name), { force: true })
  const again = await at.kpipe(['init', '--no-recovery-phrase'])
  t.not(again.code, 0)
  t.match(again.stderr, String.raw`\u001b[2J`)
  tame(t, again, 'init')
})

test('names, tags and members of snapshots reach no terminal raw, in tables, errors and JSON', limit, async (t) => {
  const at = await backedUp(t)
  const name = `name${attack}\nsecond line`
  const made = await at.kpipe(['run', '--name', name, '--tag', `tag${attack}`])
  t.equal(made.code, 0, made.stderr)
  tame(t, made, 'run')
  const listed = await at.kpipe(['snapshots'])
  tame(t, listed, 'snapshots')
  t.equal(listed.stdout.trimEnd().split('\n').length, 2, 'a name makes no line of its own')
  const json = await at.kpipe(['snapshots', '--json'])
  tame(t, json, 'snapshots --json')
  t.match(JSON.parse(json.stdout), [{ name, tags: [`tag${attack}`] }], 'and programs get it as it is')
  const [pack] = at.packs()
  const bytes = at.read(`repository/packs/${pack}`)
  rmSync(at.at('repository/packs', pack))
  t.equal((await at.kpipe(['run', '-q', '--name', 'another'])).code, 0)
  for (const words of [
    ['restore', 'latest', '--name', name, '--to', 'out'],
    ['restore', 'latest', '--to', 'out'],
    ['restore', attack, '--to', 'out'],
    ['check'],
    ['snapshots', '-w', 'yaml'],
    ['forget', '--keep-last', '1'],
    ['status', 'latest', '--name', name],
  ])
    for (const format of words[0] === 'restore' ? [['--json', '-vv'], []] : [[]]) tame(t, await at.kpipe([...words, ...format]), words[0])
  writeFileSync(at.at('repository/packs', pack), bytes)
})

test('what a server answers reaches no terminal raw', limit, async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/grpc',
      'grpc-status': '7',
      'grpc-message': encodeURIComponent(`no${attack}`),
    })
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const at = await backedUp(t)
  const { port } = server.address() as AddressInfo
  at.pipeline(`{ use: etcd, with: { location: 'http://127.0.0.1:${port}' } }`)
  for (const words of [['run'], ['run', '--json'], ['plan']]) {
    const ended = await at.kpipe(words)
    t.not(words[0] === 'run' && ended.code, 0)
    t.match(`${ended.stdout}${ended.stderr}`, /no\\+u001b/)
    tame(t, ended, words.join(' '))
  }
})

test('a pipeline file and a stage reach no terminal raw', limit, async (t) => {
  const at = await backedUp(t)
  writeFileSync(at.at('throws.mjs'), `export default { get kind() { throw new Error(${JSON.stringify(attack)}) } }\n`)
  for (const [source, more] of [
    ['{ use: "./throws.mjs" }', ''],
    [JSON.stringify({ use: 'file', with: { path: attack } }), ''],
    [JSON.stringify({ use: `./${attack}` }), ''],
    [
      '{ use: file, with: { path: ./input } }',
      `hooks: { before: { run: ${JSON.stringify(`printf '%b' '\\033[2J'; exit 1`)}, onFailure: error } }`,
    ],
  ] as const) {
    at.pipeline(source, more)
    for (const words of [['run'], ['lint']]) {
      const ended = await at.kpipe(words)
      tame(t, ended, words.join(' '))
    }
  }
})

function readdir(at: Place, folder: string): string[] {
  return readdirSync(at.at('repository', folder))
}
