import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { meanwhile } from './support/kpipe.ts'
import { lastLine, place } from './support/place.ts'
import { until } from './support/processes.ts'

for (const [names, words] of [
  ['of one name', [[], []]],
  [
    'of two names',
    [
      ['--name', 'one'],
      ['--name', 'two'],
    ],
  ],
] as const) {
  test(`two runs at once ${names}, both announced before either publishes, both succeed`, async (t) => {
    const at = await place(t, "{ use: file, with: { path: '-' } }")
    const common = randomBytes(3 << 20)
    const inputs = words.map(() => Buffer.concat([common, randomBytes(20 << 20)]))
    const runs = words.map((more) => at.spawn(['run', '--json', ...more], { input: { open: true } }))
    for (const [index, { child }] of runs.entries()) child.stdin!.write(inputs[index]!.subarray(0, 12 << 20))
    await meanwhile(
      until('both are announced', async () => (await at.logKinds()) === 'GENESIS OPEN OPEN'),
      Promise.race(runs.map((run) => run.ended)),
    )
    t.same(at.logNames(), ['0', '1', '2'], 'the log holds both OPEN entries and nothing after them')
    for (const [index, { child }] of runs.entries()) child.stdin!.end(inputs[index]!.subarray(12 << 20))
    const ended = await Promise.all(runs.map((run) => run.ended))
    for (const { code, stderr } of ended) t.equal(code, 0, stderr)
    t.equal(await at.logKinds(), 'GENESIS OPEN OPEN SNAPSHOT SNAPSHOT')

    const ids = ended.map((run) => String(lastLine(run)['snapshot_id']))
    const listed = JSON.parse((await at.kpipe(['snapshots', '--json'])).stdout) as { id: string }[]
    t.same(listed.map(({ id }) => id).toSorted(), ids.toSorted())
    for (const [index, id] of ids.entries()) {
      t.equal((await at.kpipe(['restore', id, '-to', `./snap${index}`])).code, 0)
      t.ok(at.read(`snap${index}`).equals(inputs[index]!), 'each holds what its own run read')
    }
    t.same(
      (await at.traces()).files.filter((name) => name.startsWith('repository/')),
      [],
    )
  })
}
