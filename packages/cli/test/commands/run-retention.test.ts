import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import type { Options } from '../support/kpipe.ts'
import { pipelineWith } from '../support/pipeline-with.ts'
import { initialized } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'

async function run(
  { kpipe }: Workplace,
  ...words: string[]
): Promise<{ code: number | null; stderr: string; summary: Record<string, unknown> }> {
  const { code, stdout, stderr } = await kpipe(['run', '--json', ...words])
  const summary = jsonLines(stdout).find((line) => line['message_type'] === 'summary')
  if (summary === undefined) throw new Error(`${stdout}${stderr}`)
  return { code, stderr, summary }
}

async function snapshots({ kpipe }: Workplace, options?: Partial<Options>): Promise<{ id: string; name: string }[]> {
  return JSON.parse((await kpipe(['snapshots', '--json'], options)).stdout) as { id: string; name: string }[]
}

/** Every run finds other bytes. */
function change(place: Workplace, turn: number): void {
  writeFileSync(place.at('snap.db'), Buffer.alloc(200_000 + turn * 1000, `turn ${turn} `))
}

test('after each backup the rules of the pipeline file say what stays, of its name alone', async (t) => {
  const place = await pipelineWith(t, 'retention: { keep-last: 2 }\n')
  t.match(await run(place, '--name', 'another'), { code: 0, summary: { retention: { kept: 1, forgotten: 0 } } })
  for (let turn = 0; turn < 4; turn++) {
    change(place, turn)
    const { code, stderr, summary } = await run(place)
    t.equal(code, 0, stderr)
    t.match(summary, { retention: { kept: Math.min(turn + 1, 2), forgotten: turn < 2 ? 0 : 1, bytes_freed: 0 }, attention: [] })
  }
  t.same(
    (await snapshots(place)).map(({ name }) => name),
    ['another', 'sample', 'sample'],
  )
  change(place, 4)
  const { stdout } = await place.kpipe(['run'])
  t.match(stdout, /^ {2}kept {4}2 snapshots, 1 forgotten, 0 B freed$/m)
  const marked = jsonLines((await place.kpipe(['prune', '--json'])).stdout)[0] as {
    waiting: { objects: number }
    marked: { objects: number }
  }
  t.ok(marked.waiting.objects > 0, 'what went is marked, and waits for its time')
  t.equal(marked.marked.objects, 0)
  t.match(await place.kpipe(['restore', 'latest', '--name', 'sample', '-to', 'restored']), { code: 0 })
  t.ok(readFileSync(place.at('restored')).equals(readFileSync(place.at('snap.db'))))
})

test('without prune in the file, nothing is marked', async (t) => {
  const place = await pipelineWith(t, 'retention: { keep-last: 1, prune: false }\n')
  for (let turn = 0; turn < 2; turn++) {
    change(place, turn)
    t.match(await run(place), { code: 0, summary: { retention: { kept: 1, forgotten: turn, bytes_freed: null } } })
  }
  t.match(jsonLines((await place.kpipe(['prune', '--json'])).stdout)[0], { waiting: { objects: 0 }, marked: { objects: /^[1-9]/ } })
})

test('when more than half would go nothing is forgotten, and the run exits 3', async (t) => {
  const place = await initialized(t)
  for (let turn = 0; turn < 3; turn++) {
    change(place, turn)
    t.match(await run(place), { code: 0, summary: { retention: null } })
  }
  writeFileSync(place.at('backup.yaml'), `${readFileSync(place.at('backup.yaml'), 'utf8')}retention: { keep-last: 1 }\n`)
  const { code, stderr, summary } = await run(place)
  t.equal(code, 3)
  t.match(stderr, /retention forgot nothing: 3 of the 4 snapshots of sample would go, more than half/)
  t.match(summary, { retention: { kept: 4, forgotten: 0 } })
  t.equal((await snapshots(place)).length, 4)
})

test('a backup is made although retention fails, and the run exits 3', async (t) => {
  const place = await pipelineWith(t, 'retention: { keep-last: 2 }\n')
  for (let turn = 5; turn < 7; turn++) {
    change(place, turn)
    await run(place)
  }
  const storeFs = resolve(import.meta.dirname, '../../../stage-store-fs/src/store-fs.ts')
  const errors = resolve(import.meta.dirname, '../../../engine/src/contracts/errors.ts')
  // OPEN and SNAPSHOT are taken; what comes then is not, up to a number.
  writeFileSync(
    place.at('store.mjs'),
    `import store from ${JSON.stringify(storeFs)}
import { KpipeError } from ${JSON.stringify(errors)}
export default {
  ...store,
  async open(settings, context) {
    const opened = await store.open(settings, context)
    let entries = 0
    return {
      ...opened,
      async create(name, parts) {
        if (name.startsWith('log/') && ++entries === Number(process.env.FAILS)) throw new KpipeError('KPIPE_STORE_FORBIDDEN', 'refused ' + name)
        return opened.create(name, parts)
      },
    }
  },
}
`,
  )
  writeFileSync(place.at('backup.yaml'), readFileSync(place.at('backup.yaml'), 'utf8').replace('use: store-fs', 'use: ./store.mjs'))
  // The stage is made of sources, whatever the program is.
  const ofSources = { nodeArguments: ['--conditions=kpipe-source'] }
  for (const [turn, [fails, message, kept]] of (
    [
      ['3', /retention failed: refused log/, 3],
      ['4', /space was not given back: refused log/, 2],
    ] as const
  ).entries()) {
    change(place, turn)
    const { code, stdout, stderr } = await place.kpipe(['run', '--json'], { env: { FAILS: fails }, ...ofSources })
    t.equal(code, 3, stderr)
    t.match(stderr, message)
    t.match(jsonLines(stdout).at(-1), { message_type: 'summary', retention: { kept } })
    t.equal((await snapshots(place, ofSources)).length, kept)
  }
})

test('rules that say nothing are refused with their place', async (t) => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['retention: {}', /"retention" has no rule that keeps anything/],
    ['retention: { keep-last: 0, prune: true }', /has no rule that keeps anything/],
    ['retention: { keep-last: all }', /"retention.keep-last" must be a number or the word unlimited/],
    ['retention: { keep-within: 3 }', /"retention.keep-within" must be a string/],
    ['retention: { keep-within: 3x }', /must be a span such as 30d/],
    ['retention: { keep-daly: 3 }', /"retention.keep-daly" is unknown; nearest: keep-daily/],
    ['retention: { keep-last: 3, timezone: Mars/Olympus }', /must be the name of a time zone/],
    ['retention: { keep-tag: "a,,b" }', /must be tags with single commas/],
  ]
  for (const [line, message] of wrong) {
    const place = await pipelineWith(t, `${line}\n`)
    t.match(await place.kpipe(['lint']), { code: 78, stdout: message }, line)
  }
})

test('plan and config show tell the rules', async (t) => {
  const place = await pipelineWith(t, 'retention: { keep-hourly: 24, keep-daily: 7, keep-tag: [release], timezone: Europe/Berlin }\n')
  t.match(
    (await place.kpipe(['plan'])).stdout,
    /^ {2}retention +keeps 24 hourly, 7 daily, tag release of Europe\/Berlin; gives space back$/m,
  )
  const { stdout } = await place.kpipe(['config', 'show'])
  for (const word of ['keep-hourly', '24', 'keep-daily', 'release', 'prune', 'Europe/Berlin']) t.match(stdout, word)
})
