import { test } from 'tap'
import type { SettingsSchema } from '../../src/contracts/index.ts'
import { readSettings } from '../../src/stages/settings.ts'

const schema: SettingsSchema = {
  type: 'object',
  properties: {
    path: { type: 'string', format: 'path', minLength: 1, description: '' },
    files: { type: 'array', items: { type: 'string', format: 'path' }, minItems: 1, description: '' },
    level: { type: 'integer', minimum: 1, maximum: 19, default: 3, description: '' },
    algorithm: { type: 'string', enum: ['auto', 'page'], default: 'auto', description: '' },
    names: { type: 'array', items: { type: 'string' }, default: ['a'], description: '' },
    id: { type: 'string', pattern: '^[0-9a-f]+$', description: '' },
    plain: { type: 'boolean', description: '' },
  },
  required: ['path'],
  additionalProperties: false,
}
const messages = async (settings: unknown) => (await readSettings(schema, settings, '/etc/kpipe')).problems.map(({ message }) => message)

test('defaults are filled in, and given values stay', async (t) => {
  const { settings, problems } = await readSettings(schema, { path: '/a', level: 9 }, '/etc/kpipe')
  t.same(problems, [])
  t.same(settings, { path: '/a', level: 9, algorithm: 'auto', names: ['a'] })
})

test('a default is not shared between stages', async (t) => {
  const { settings } = await readSettings(schema, { path: '/a' }, '/')
  t.not(settings['names'], schema.properties['names'].default)
})

test('relative paths become absolute, beside the pipeline file; - stays', async (t) => {
  const { settings } = await readSettings(schema, { path: './snap', files: ['a', '/b', '-'] }, '/etc/kpipe')
  t.match(settings, { path: '/etc/kpipe/snap', files: ['/etc/kpipe/a', '/b', '-'] })
  t.match((await readSettings(schema, { path: '-' }, '/etc/kpipe')).settings, { path: '-' })
})

test('no settings at all count as an empty map', async (t) => {
  t.same(await messages(undefined), ['"path" is missing'])
  t.same(await messages(null), ['"path" is missing'])
})

test('every problem is told, not the first alone', async (t) => {
  t.same(
    new Set(await messages({ level: 20, algorithm: 'pge', files: [1], colour: 1 })),
    new Set([
      '"path" is missing',
      '"level" must be at most 19',
      '"algorithm" must be "auto" or "page"; nearest: page',
      '"files[0]" must be a string, but is a number',
      '"colour" is unknown; known: path, files, level, algorithm, names, id, plain',
    ]),
  )
})

test('each kind of problem has one sentence', async (t) => {
  const problem = async (settings: object) => messages({ path: '/a', ...settings })
  t.same(await problem({ path: '' }), ['"path" must not be empty'])
  t.same(await problem({ level: 0 }), ['"level" must be at least 1'])
  t.same(await problem({ level: 1.5 }), ['"level" must be a whole number, but is a number'])
  t.same(await problem({ level: null }), ['"level" must be a whole number, but is empty'])
  t.same(await problem({ algorithm: 5 }), ['"algorithm" must be a string, but is a number'])
  t.same(await problem({ plain: 'yes' }), ['"plain" must be true or false, but is a string'])
  t.same(await problem({ files: [] }), ['"files" must not be empty'])
  t.same(await problem({ files: {} }), ['"files" must be a list, but is a map'])
  t.same(await problem({ id: 'xyz' }), ['"id" must match ^[0-9a-f]+$'])
  t.same(await problem({ levl: 3 }), ['"levl" is unknown; nearest: level'])
  t.same(await problem({ 'a/b~c': 3 }), ['"a/b~c" is unknown; known: path, files, level, algorithm, names, id, plain'])
  t.same(await messages('x'), ['this must be a map, but is a string'])
})

test('no message shows a value', async (t) => {
  const told = await messages({ path: 1, level: 'hunter2', algorithm: 'hunter2', id: 'hunter2!', files: 'hunter2', plain: 'hunter2' })
  t.equal(told.length, 6)
  t.notMatch(told.join(), /hunter2/)
})
