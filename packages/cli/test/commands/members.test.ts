import { writeFileSync } from 'node:fs'
import { test } from 'tap'
import { workplace } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'

/** A source with two members, whose quorum is as given; `path` and `note` come from the environment when they are left out. */
function withMembers(t: Parameters<typeof workplace>[0], quorum: string, settings = ''): Workplace {
  const place = workplace(t)
  const property = (more = '') => `{ type: 'string', description: '' ${more} }`
  const member = `{ id: '1', name: 'a', endpoint: 'here', version: settings.note, size: 1, inUse: 1, leader: true, learner: false, lag: 0, errors: [settings.path ?? 'no path'] }`
  writeFileSync(
    place.at('own.mjs'),
    `export default { kind: 'source', summary: '',
      settings: { type: 'object', properties: { path: ${property(", format: 'path'")}, note: ${property()} }, additionalProperties: false },
      open() {},
      members: async (settings) => ({ quorum: '${quorum}', members: [${member}] }),
      fromEnvironment: (given, env) => ({
        ...(env.OWN_PATH && { path: { value: env.OWN_PATH, variable: 'OWN_PATH' } }),
        ...(env.OWN_NOTE && { note: { value: env.OWN_NOTE, variable: 'OWN_NOTE' } }),
      }) }`,
  )
  writeFileSync(place.at('backup.yaml'), `source: { use: ./own.mjs${settings} }\nstore: { use: store-fs, with: { path: repository } }\n`)
  return place
}

test('members are told as table, JSON and YAML, without a repository', async (t) => {
  const place = withMembers(t, 'held')
  t.match(await place.kpipe(['members']), { code: 0, stdout: /^NAME .*\na +1 +here/ })
  t.match(JSON.parse((await place.kpipe(['members', 'backup.yaml', '--json'])).stdout), {
    quorum: 'held',
    members: [{ id: '1', db_size: 1 }],
  })
  t.match(await place.kpipe(['members', '-w', 'yaml']), { code: 0, stdout: /^quorum: held\nmembers:\n {2}- id: "1"/ })
})

test('without quorum the exit code is 3', async (t) => {
  t.match(await withMembers(t, 'lost').kpipe(['members']), { code: 3, stderr: /quorum is lost/ })
})

test('a source without members says so, and so it does with --member', async (t) => {
  const place = workplace(t)
  t.match(await place.kpipe(['members']), { code: 64, stderr: /stage-file has no members/ })
  t.match(await place.kpipe(['run', '--member', 'a']), {
    code: 64,
    stderr: /--member a was given, and the source .*stage-file has no members/,
  })
})

test('the environment fills what the file leaves out, is named with -v, and never overrides', async (t) => {
  const env = { OWN_PATH: 'relative', OWN_NOTE: 'noted' }
  const place = withMembers(t, 'held', ', with: { note: own }')
  const { stdout, stderr } = await place.kpipe(['members', '--json', '-v'], { env })
  t.match(JSON.parse(stdout), { members: [{ version: 'own', errors: [place.at('relative')] }] })
  t.match(stderr, 'path of the source: from OWN_PATH')
  t.notMatch(stderr, 'OWN_NOTE')
  const shown = await place.kpipe(['config', 'show'], { env })
  t.match(shown.stdout, /^source\.with\.path +\S+relative +env OWN_PATH\nsource\.with\.note +own +backup\.yaml:1$/m)
})
