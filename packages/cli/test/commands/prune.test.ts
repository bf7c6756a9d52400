import { appendFileSync, copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import { backedUp, sampleSnapshot } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'
import { waitingRun } from '../support/waiting-run.ts'

/** Bytes of all packs. */
function packBytes({ at }: Workplace): number {
  const folder = at('repository', 'packs')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0)
}

/** Other pages than the sample has: what is stored of them is of use to no other snapshot. */
async function withForgotten(t: { after(done: () => void): void }): Promise<Workplace> {
  const place = await backedUp(t)
  writeFileSync(place.at('snap.db'), Buffer.alloc(300_000, 'other '))
  for (let turn = 0; turn < 3; turn++) {
    appendFileSync(place.at('snap.db'), Buffer.alloc(100_000, `turn ${turn}`))
    await place.kpipe(['run', '-q'])
  }
  copyFileSync(sampleSnapshot, place.at('snap.db'))
  await place.kpipe(['run', '-q'])
  const ids = jsonLines((await place.kpipe(['snapshots', '--json'])).stdout).flat() as unknown as { id: string }[]
  const { code, stderr } = await place.kpipe(['forget', ids[1].id, ids[2].id, '--apply', '--force'])
  if (code !== 0) throw new Error(stderr)
  return place
}

/** Asks again until what comes looks like that; a run announces itself a moment after its source has answered. */
async function until(pattern: RegExp, ask: () => Promise<string>): Promise<string> {
  for (let tries = 0; tries < 20; tries++) {
    const said = await ask()
    if (pattern.test(said)) return said
  }
  throw new Error(`nothing said ${pattern}`)
}

test('prune shows what it would do, marks with --apply, and removes after the delay', async (t) => {
  const place = await withForgotten(t)
  const { kpipe } = place
  const before = packBytes(place)
  const dry = await kpipe(['prune'])
  t.equal(dry.code, 0, dry.stderr)
  t.match(dry.stdout, /^\d+ packs?, .*: would be marked, no snapshot uses them$/m)
  t.match(dry.stderr, /would free 0 B at once: --apply does it/)
  const marked = await kpipe(['prune', '--apply', '--max-unused', 'unlimited'])
  t.equal(marked.code, 0, marked.stderr)
  t.match(marked.stdout, /: marked, stay until a later prune, for readers that began before$/m)
  t.equal(packBytes(place), before)
  t.match(await kpipe(['prune', '--apply', '--max-unused', 'unlimited']), { code: 0, stderr: /nothing to do yet/ })
  const removed = await kpipe(['prune', '--apply', '--sweep-delay', '0s', '--max-unused', '0', '--json'])
  const [summary] = jsonLines(removed.stdout).filter((line) => line['message_type'] === 'summary')
  t.match(summary, { applied: true, bytes_unused: 0, waiting: { objects: 0 }, ended_early: null, attention: [] })
  t.ok((summary['bytes_freed'] as number) > 0)
  t.ok(packBytes(place) < before)
  t.match(await kpipe(['prune', '--apply', '--max-unused', '0']), { code: 0, stderr: /nothing to prune/ })
  t.match(await kpipe(['restore', 'latest', '-to', 'restored']), { code: 0 })
  t.ok(readFileSync(place.at('restored')).equals(readFileSync(sampleSnapshot)))
  t.match(await kpipe(['restore', 'latest~1', '-to', 'before']), { code: 0 })
  t.match(await kpipe(['check', '--read-data', '--etcd']), { code: 0 })
})

test('an unfinished backup keeps what was marked after it began, until it is ended', async (t) => {
  const place = await withForgotten(t)
  const { kpipe } = place
  const running = await waitingRun(place)
  const dry = await until(/unfinished writer: /, async () => (await kpipe(['prune', '--apply', '--sweep-delay', '0s'])).stdout)
  const [, id] = /unfinished writer: ([0-9a-f]{16}) \(.*, process \d+, since /.exec(dry)!
  t.match(await kpipe(['prune', '--apply', '--sweep-delay', '0s']), {
    code: 0,
    stdout: /writers that began before they were marked are not finished/,
  })
  t.match(await kpipe(['prune', '--end-writer', 'ffffffff']), { code: 64 })
  const ended = await kpipe(['prune', '--apply', '--sweep-delay', '0s', '--end-writer', id.slice(0, 8)])
  t.match(ended, { code: 0, stdout: new RegExp(`unfinished writer ${id} .*: ended, it was named`) })
  t.match(ended.stdout, /packs?, .*: removed, no snapshot uses them/)
  running.child.stdin?.end()
  t.equal((await running.ended).code, 11, 'it lived after all')
})

test('a backup that was killed is ended by the next prune of its host, and what it left is removed', async (t) => {
  const place = await backedUp(t)
  const running = await waitingRun(place)
  await until(/"open_writers":\[\{/, async () => (await place.kpipe(['prune', '--json'])).stdout)
  running.child.kill('SIGKILL')
  await running.ended
  t.match(await place.kpipe(['prune', '--apply']), { code: 0, stdout: /unfinished writer .*: ended, its process \d+ is gone/ })
  t.match(await place.kpipe(['prune', '--apply']), { code: 0, stderr: /nothing to prune/ })
})

test('amounts and times that are none are refused', async (t) => {
  const place = await backedUp(t)
  for (const words of [
    ['--max-unused', '5x'],
    ['--max-unused', '120%'],
    ['--max-time', 'soon'],
    ['--sweep-delay', '1'],
  ])
    t.equal((await place.kpipe(['prune', ...words])).code, 64, words.join(' '))
})

test('forget --prune gives back the space at once, and key rotate --reseal seals anew', async (t) => {
  const place = await withForgotten(t)
  const { kpipe } = place
  const done = await kpipe(['forget', '--keep-last', '1', '--apply', '--force', '--prune'])
  t.equal(done.code, 0, done.stderr)
  t.match(done.stdout, /: marked, no snapshot uses them/)
  t.notMatch(done.stderr, /comes back with/)
  const rotated = await kpipe(['key', 'rotate', '--reseal'])
  t.equal(rotated.code, 0, rotated.stderr)
  t.match(rotated.stdout, /epoch 2 began[\s\S]*: written anew/)
  t.match(await kpipe(['prune', '--reseal']), { stdout: /^(?!.*written anew)/s })
  t.match(await kpipe(['restore', 'latest', '-to', 'restored']), { code: 0 })
  t.match(await kpipe(['check', '--read-data']), { code: 0 })
})
