import { test } from 'tap'
import { KpipeError } from '../../src/contracts/index.ts'
import { blamedStage } from '../../src/stages/blamed-stage.ts'

const failing = (error: unknown) => () => {
  throw error
}

test('whatever a stage throws on the main thread carries its name', async (t) => {
  const stage = blamedStage(
    {
      kind: 'source',
      plan: failing(new TypeError('no plan')),
      async open() {
        return {
          end: async () => failing(new Error('no end'))(),
          read: async function* () {
            yield 1
            throw 'a word'
          },
        }
      },
    },
    './own.mjs',
  )
  t.equal(stage.kind, 'source')
  t.throws(stage.plan, { code: 'KPIPE_STAGE_FAILED', message: 'stage ./own.mjs failed: no plan' })
  const stream = await stage.open()
  await t.rejects(stream.end(), { code: 'KPIPE_STAGE_FAILED', message: 'stage ./own.mjs failed: no end' })
  const pieces: unknown[] = []
  const reading = (async () => {
    for await (const piece of stream.read()) pieces.push(piece)
  })()
  await t.rejects(reading, { code: 'KPIPE_STAGE_FAILED', message: 'stage ./own.mjs failed: a word' })
  t.same(pieces, [1])
})

test('an error with a code of ours passes, whoever made it', async (t) => {
  const ours = new KpipeError('KPIPE_STORE_FULL', 'full')
  t.throws(blamedStage({ a: failing(ours) }, 'x').a, ours)
  const alike = Object.assign(new Error('gone'), { code: 'KPIPE_SOURCE_DIED', details: { endpoint: 'e' } })
  t.throws(blamedStage({ a: failing(alike) }, 'x').a, {
    code: 'KPIPE_SOURCE_DIED',
    exitCode: 69,
    message: 'gone',
    details: { endpoint: 'e' },
  })
  t.throws(blamedStage({ a: failing(Object.assign(new Error('e'), { code: 'ENOENT' })) }, 'x').a, { code: 'KPIPE_STAGE_FAILED' })
})

test('a reader that stops early lets the stage clean up', async (t) => {
  let cleaned = 0
  const stage = blamedStage(
    {
      async *list() {
        try {
          yield* [1, 2, 3]
        } finally {
          cleaned++
        }
      },
    },
    'x',
  )
  for await (const one of stage.list()) if (one === 1) break
  t.equal(cleaned, 1)
})

test('what a stage returns as data stays what it is', async (t) => {
  const plan = { id: 'x' }
  t.equal(blamedStage({ plan: () => plan }, 'x').plan(), plan)
})
