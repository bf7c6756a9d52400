import { useStage } from '@kpipe/engine'
import { test } from 'tap'
import { parse } from 'yaml'
import { exampleSettings, stageExample } from '../../src/stages/stage-example.ts'
import { openStages, ownStages } from '../../src/where/stages.ts'

test("the example of each of kpipe's own stages fits its schema", async (t) => {
  const loader = openStages(new Map())
  let seen = 0
  for (const name of ownStages) {
    for (const { stage } of await loader.loadAll(name, '/')) {
      seen++
      await t.resolves(useStage(loader, stage.kind, name, exampleSettings(stage.settings), '/'), `${stage.kind} ${name}`)
    }
  }
  t.ok(seen >= ownStages.length)
})

test('an example stands where the pipeline file wants it', async (t) => {
  const schema = {
    type: 'object',
    properties: { level: { type: 'integer', default: 3, description: '' }, name: { type: 'string', description: '' } },
    required: ['name'],
    additionalProperties: false,
  } as const
  t.same(parse(stageExample('x', 'codec', schema)), { stages: [{ use: 'x', with: { name: 'text' } }] })
  t.same(parse(stageExample('x', 'store', schema)), { store: { use: 'x', with: { name: 'text' } } })
  t.same(parse(stageExample('x', 'source', { ...schema, properties: {}, required: [] })), { source: { use: 'x' } })
})
