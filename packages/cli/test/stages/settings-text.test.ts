import { test } from 'tap'
import { settingRows } from '../../src/stages/settings-text.ts'

test('types of settings are told in words', async (t) => {
  const description = 'What it is.'
  const rows = settingRows({
    type: 'object',
    properties: {
      level: { type: 'integer', minimum: 1, maximum: 19, default: 3, description },
      least: { type: 'number', minimum: 2, description },
      most: { type: 'number', maximum: 2, description },
      way: { type: 'string', enum: ['auto', 'page'], default: 'auto', description },
      path: { type: 'string', format: 'path', description },
      paths: { type: 'array', items: { type: 'string', format: 'path' }, description },
      endpoints: { type: 'array', items: { type: 'string' }, default: [], description },
      on: { type: 'boolean', default: false, description },
    },
    required: ['path'],
    additionalProperties: false,
  })
  t.same(
    rows.map(({ name, type, default: usual }) => `${name}: ${type}${usual && ` (${usual})`}`),
    [
      'level: integer, 1 to 19 (3)',
      'least: number, at least 2',
      'most: number, at most 2',
      'way: auto | page (auto)',
      'path: path, required',
      'paths: list of paths',
      'endpoints: list of strings ([])',
      'on: boolean (false)',
    ],
  )
})
