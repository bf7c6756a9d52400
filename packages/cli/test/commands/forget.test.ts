import { test } from 'tap'
import { backedUp } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'

interface Summary {
  readonly applied: boolean
  readonly kept: number
  readonly forgotten: number
  readonly refused: string | null
  readonly snapshots: readonly { readonly id: string; readonly keep: boolean; readonly reasons: readonly string[] }[]
}

async function several(t: { after(done: () => void): void }, more: number): Promise<Workplace & { readonly ids: readonly string[] }> {
  const place = await backedUp(t)
  for (let turn = 0; turn < more; turn++) await place.kpipe(['run', '-q', '--tag', `turn-${turn}`])
  return { ...place, ids: await idsOf(place) }
}

async function idsOf({ kpipe }: Workplace): Promise<string[]> {
  return (JSON.parse((await kpipe(['snapshots', '--json'])).stdout) as { id: string }[]).map(({ id }) => id)
}

test('forget shows a reason for every snapshot that stays, and does nothing before --apply', async (t) => {
  const place = await several(t, 3)
  const { kpipe, ids } = place
  const dry = await kpipe(['forget', '--keep-last', '2'])
  t.equal(dry.code, 0, dry.stderr)
  const lines = dry.stdout.trimEnd().split('\n')
  t.match(lines[0], /^ID {2,}NAME {2,}TIME {2,}SIZE {2,}TAGS {2,}WHY$/)
  t.match(lines[1], new RegExp(`^${ids[0].slice(0, 12)}  sample  \\d{4}.*Z  74 kB  first +forget$`))
  t.match(lines[4], /turn-2 +keep +newest, last$/)
  t.match(dry.stderr, /2 snapshots would stay and 2 would be forgotten: --apply does it/)
  t.same(await idsOf(place), ids)
  const done = await kpipe(['forget', '--keep-last', '2', '--apply', '--json'])
  const summary = JSON.parse(done.stdout) as Summary
  t.match(summary, { applied: true, kept: 2, forgotten: 2, refused: null })
  t.same(
    summary.snapshots.map(({ id, keep, reasons }) => [id, keep, reasons]),
    [
      [ids[0], false, []],
      [ids[1], false, []],
      [ids[2], true, ['last']],
      [ids[3], true, ['newest', 'last']],
    ],
  )
  t.same(await idsOf(place), ids.slice(2))
  t.match(await kpipe(['restore', 'latest~1', '-to', 'a']), { code: 0 })
  t.match(await kpipe(['restore', ids[0], '-to', 'b']), { code: 64 })
  t.match(await kpipe(['forget', '--keep-last', '2', '--apply']), { code: 0, stderr: /nothing to forget: all 2 snapshots stay/ })
})

test('snapshots go by id, the newest never', async (t) => {
  const place = await several(t, 2)
  const { kpipe, ids } = place
  t.match(await kpipe(['forget', ids[0], ids[2].slice(0, 12), '--apply', '--force']), { code: 64, stderr: /newest of sample/ })
  t.match(await kpipe(['forget', 'ffffffff', '--apply']), { code: 64 })
  t.match(await kpipe(['forget', ids[1], '--apply']), { code: 0, stderr: /kpipe prune/ })
  t.same(await idsOf(place), [ids[0], ids[2]])
})

test('without a rule, or with both rules and ids, nothing goes and it exits 64', async (t) => {
  const place = await several(t, 0)
  const wrong = [
    [],
    ['--keep-last', '0'],
    ['--keep-last', '1', place.ids[0]],
    ['--keep-last', 'x'],
    ['--keep-within', '3'],
    ['--keep-tag', 'a,'],
  ]
  for (const words of wrong) t.equal((await place.kpipe(['forget', ...words, '--apply'])).code, 64, words.join(' '))
})

test('more than half of the snapshots go with --force only', async (t) => {
  const place = await several(t, 2)
  const { kpipe, ids } = place
  t.match(await kpipe(['forget', '--keep-last', '1']), { code: 0, stderr: /2 of the 3 snapshots of sample.*--force/ })
  t.match(await kpipe(['forget', '--keep-last', '1', '--apply']), { code: 64, stderr: /nothing was forgotten: 2 of the 3/ })
  t.same(await idsOf(place), ids)
  t.match(await kpipe(['forget', '--keep-last', '1', '--apply', '--force']), { code: 0 })
  t.same(await idsOf(place), ids.slice(2))
})
