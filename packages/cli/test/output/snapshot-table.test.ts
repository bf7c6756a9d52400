import type { Snapshot } from '@kpipe/repository'
import { test } from 'tap'
import { snapshotRow, snapshotTable } from '../../src/output/snapshot-table.ts'

function snapshot(more: Partial<Snapshot> = {}, attached: readonly { name: string; bytes: number }[] = []): Snapshot {
  const id = 'ab'.repeat(32)
  const known = {
    id,
    shortId: id.slice(0, 12),
    name: 'prod',
    member: 'm',
    time: new Date(0),
    revision: 7,
    keys: 3,
    bytes: 4128,
    tags: ['t'],
    facts: {},
    manifest: { streams: [{ name: 'database', bytes: 4128 }, ...attached] },
  }
  return { ...known, ...more } as Snapshot
}

const ago = (hours: number): Date => new Date(Date.now() - hours * 3_600_000 - 1000)

test('how the last drill went has a column where there was any', async (t) => {
  t.notMatch(await snapshotTable([snapshot()], false), /DRILL|NOTE/)
  const drill = { time: ago(2), level: 'booted', passed: true, note: '', proven: true } as const
  const drilled = [
    snapshot(),
    snapshot({ drill }),
    snapshot({ drill: { ...drill, passed: false, time: ago(50) }, facts: { quorum: 'lost' } }),
  ]
  const lines = (await snapshotTable(drilled, false)).split('\n')
  t.match(lines[0], /TAGS  DRILL +NOTE$/)
  t.match(lines[1], / t$/)
  t.match(lines[2], / t     booted 2h ago$/)
  t.match(lines[3], / t     failed 2d ago  quorum: lost$/)
})

test('programs get all of the drill, or null', (t) => {
  const drill = { time: ago(2), level: 'walked', passed: false, note: 'restore: damaged', proven: false } as const
  t.match(snapshotRow(snapshot()), { drill: null })
  t.same(JSON.parse(JSON.stringify(snapshotRow(snapshot({ drill }))))['drill'], { ...drill, time: drill.time.toISOString() })
  t.end()
})

test('programs get the attached files, with what the facts say of them and nothing that is not so', (t) => {
  const attached = [
    { name: 'etc/ca.key', bytes: 5 },
    { name: 'etc/odd', bytes: 7 },
  ]
  const facts = {
    attachments: [
      { name: 'etc/ca.key', path: '/etc/ca.key', mode: 384, uid: 0, gid: 0, mtime: 1000, bytes: 6 },
      'odd',
      { name: 'etc/odd', mode: -1 },
    ],
  }
  t.same(JSON.parse(JSON.stringify(snapshotRow(snapshot({ facts }, attached))))['attachments'], [
    { name: 'etc/ca.key', bytes: 5, mode: 384, uid: 0, gid: 0, mtime: 1000 },
    { name: 'etc/odd', bytes: 7 },
  ])
  t.same(snapshotRow(snapshot())['attachments'], [])
  t.end()
})
