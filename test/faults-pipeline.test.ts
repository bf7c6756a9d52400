import { mkdirSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { fails, told } from './support/failing.ts'
import { emptyPlace, filesUnder, place } from './support/place.ts'

const hint = /Correct the pipeline file at the place that is named/
const rest = 'store: { use: store-fs, with: { path: ./repository } }\nkey: { file: ./repository.key }\n'

const mistakes: readonly [what: string, text: string, says: readonly (RegExp | string)[]][] = [
  ['an unknown stage', `source: { use: ectd }\n${rest}`, ['backup.yaml:1:16', 'ectd', /etcd/]],
  ['a misspelt setting', `source: { use: etcd, with: { endpiont: [a] } }\n${rest}`, ['backup.yaml:1:30', 'endpiont', 'nearest: endpoints']],
  ['a misspelt key', `source: { use: etcd }\nstorre: {}\n${rest}`, ['backup.yaml:2:1', 'storre', 'nearest: store']],
  ['a wrong type', `source: { use: etcd, with: { idleTimeout: soon } }\n${rest}`, ['backup.yaml:1:43', 'idleTimeout', /number/]],
  ['a value out of range', `source: { use: etcd, with: { dialTimeout: -1 } }\n${rest}`, ['backup.yaml:1:43', 'dialTimeout']],
  ['no source', rest, ['backup.yaml:', /"?source"?/]],
  ['no YAML', `source: { use: etcd\n${rest}`, [/backup\.yaml:\d+:\d+/]],
  ['an empty file', '', ['backup.yaml:1:1', 'the file is empty']],
  ['nothing that seals', `source: { use: etcd }\nstages: [{ use: chunk }, { use: hash }]\n${rest}`, ['backup.yaml:2:1', 'seals']],
  ['stages in a wrong order', `source: { use: etcd }\nstages: [{ use: hash }, { use: chunk }, { use: seal }]\n${rest}`, ['backup.yaml:2:']],
  ['an unknown limit', `source: { use: etcd }\nlimits: { stalTimeout: 1s }\n${rest}`, ['backup.yaml:2:11', 'nearest: stallTimeout']],
]

for (const [what, text, says] of mistakes) {
  test(`${what} in a pipeline file is told with line and column, by run and by init`, async (t) => {
    const at = emptyPlace(t)
    writeFileSync(at.at('backup.yaml'), text)
    for (const words of [
      ['run', 'backup.yaml'],
      ['init', '--no-recovery-phrase'],
    ]) {
      await fails(t, at, words, { code: 'KPIPE_PIPELINE_INVALID', says, hint })
    }
    t.same(filesUnder(at.folder), ['backup.yaml'], 'nothing was made')
  })
}

test('all mistakes of a file are told at once, in the order of the file', async (t) => {
  const at = emptyPlace(t)
  writeFileSync(
    at.at('backup.yaml'),
    'name: 7\nsource: { use: etcd, with: { endpiont: [a], dialTimeout: x } }\nstages:\n  - use: chunk\n  - use: hsah\nstore: { use: store-sf }\n',
  )
  const ended = await at.kpipe(['run'])
  told(t, ended, {
    code: 'KPIPE_PIPELINE_INVALID',
    says: ['has 5 errors', /backup\.yaml:1:7[^]*backup\.yaml:2:30[^]*backup\.yaml:2:58[^]*backup\.yaml:5:10[^]*backup\.yaml:6:15/],
    hint,
  })
})

test('a secret in a faulty file is not shown', async (t) => {
  const at = emptyPlace(t)
  writeFileSync(at.at('backup.yaml'), `source: { use: etcd, with: { password: hunter2hunter2, endpiont: [a] } }\n${rest}`)
  const { code, stdout, stderr } = await at.kpipe(['run', '--json', '-vv'])
  t.equal(code, 78)
  t.notMatch(stdout + stderr, 'hunter2')
})

test('a pipeline file that is not there', async (t) => {
  const at = emptyPlace(t)
  await fails(t, at, ['run', 'other.yaml'], { code: 'KPIPE_PIPELINE_MISSING', says: ['other.yaml'], hint: /-c FILE/ })
  await fails(t, at, ['run'], { code: 'KPIPE_PIPELINE_MISSING', says: ['backup.yaml', 'kpipe.yaml'], hint: /-c FILE/ })
})

test('a repository that is not there: the hint is the very command that makes it', async (t) => {
  const at = emptyPlace(t)
  at.pipeline('{ use: etcd, with: { endpoints: [127.0.0.1:1] } }')
  const says = [`there is no repository at ${at.at('repository')}`]
  await fails(t, at, ['run', 'backup.yaml'], { code: 'KPIPE_NO_REPOSITORY', says, hint: /^Create it with `kpipe init -c backup\.yaml`\.$/ })
  await fails(t, at, ['snapshots'], { code: 'KPIPE_NO_REPOSITORY', says, hint: /^Create it with `kpipe init -c backup\.yaml`\.$/ })
  mkdirSync(at.at('elsewhere'))
  const ended = await at.kpipe(['run', '../backup.yaml'], { cwd: at.at('elsewhere') })
  told(t, ended, { code: 'KPIPE_NO_REPOSITORY', says, hint: new RegExp(`kpipe init -c (\\.\\./backup\\.yaml|${at.at('backup.yaml')})`) })
  t.same(filesUnder(at.folder), ['backup.yaml'])
})

test('paths in the file are relative to the file, from whatever folder kpipe runs', async (t) => {
  const at = await place(t, '{ use: file, with: { path: ./input } }')
  writeFileSync(at.at('input'), 'some bytes')
  for (const cwd of ['/', at.at('home')]) {
    const { code, stderr } = await at.kpipe(['run', '-q', at.at('backup.yaml')], { cwd })
    t.equal(code, 0, stderr)
  }
  const { stdout } = await at.kpipe(['snapshots', '--json', '-c', '../backup.yaml'], { cwd: at.at('home') })
  t.equal(JSON.parse(stdout).length, 2)
})
