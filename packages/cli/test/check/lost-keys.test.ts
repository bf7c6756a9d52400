import { readFileSync } from 'node:fs'
import { memoryPages, openBolt, readRevision, walk } from '@kpipe/bolt'
import type { LeftPages } from '@kpipe/bolt'
import type { Facts } from '@kpipe/engine/contracts'
import type { Snapshot } from '@kpipe/repository'
import { test } from 'tap'
import { findLostKeys } from '../../src/check/lost-keys.ts'
import { joined, lostKeysRow, lostKeysText } from '../../src/check/lost-keys-text.ts'
import { sampleSnapshot } from '../support/workplace.ts'

const bytes = readFileSync(sampleSnapshot)
const pageBytes = 4096

function left(...lost: readonly number[]): LeftPages {
  const { bytes: length } = memoryPages(bytes)
  return {
    bytes: length,
    pageBytes,
    read: async (page) => (lost.includes(page) ? undefined : bytes.subarray(page * pageBytes, (page + 1) * pageBytes)),
  }
}

function snapshotOf(id: string, revision: number, facts: Facts = {}): Snapshot {
  return { id, shortId: id.slice(0, 12), name: 'sample', revision, facts } as Partial<Snapshot> as Snapshot
}

/** All items, and the revisions of bucket `key`. */
async function whole(): Promise<{ items: number; revisions: string[]; root: number }> {
  const bolt = await openBolt(memoryPages(bytes))
  const revisions: string[] = []
  let items = 0
  for await (const { path, key, value } of walk(bolt)) {
    if (value === undefined || path.length !== 1) continue
    items += 1
    const revision = Buffer.from(path[0]).toString() === 'key' ? readRevision(key) : undefined
    if (revision !== undefined) revisions.push(revision.sub === 0 ? String(revision.main) : `${revision.main}/${revision.sub}`)
  }
  return { items, revisions, root: bolt.meta.root }
}

const damaged = 'd'.repeat(64)
const older = 'a'.repeat(64)
const newer = 'b'.repeat(64)

test('of every page that is lost, the rows on it are told by a whole snapshot, no more and no fewer', async (t) => {
  const { items, revisions, root } = await whole()
  let [pages, rows, leaves] = [0, 0, 0]
  for (let page = 2; page < bytes.length / pageBytes - 1; page++) {
    const lost = await findLostKeys(snapshotOf(damaged, 142, { items }), left(page), [{ snapshot: snapshotOf(newer, 200), pages: left() }])
    if (lost.pages === 0) t.equal(lost.items, 0, `page ${page}`)
    const ofKeys = lost.ranges.filter(({ bucket }) => bucket === 'key')
    if (ofKeys.length > 0 && lost.exact) t.equal(lost.known.length, lost.items, `page ${page}`)
    leaves += lost.exact ? ofKeys.length : 0
    t.ok(lost.known.every(({ revision, certain, snapshot }) => revisions.includes(revision) && certain && snapshot.id === newer))
    if (page === root) t.same(lost.ranges, [{ bucket: '', from: undefined, until: undefined }])
    pages += lost.pages
    rows += lost.known.length
  }
  t.ok(pages > 4 && rows > 30 && leaves > 1, `${pages} pages, ${rows} rows, ${leaves} leaves`)
})

test('what only an older snapshot knows may have been compacted away, and what came later is none of it', async (t) => {
  const { items } = await whole()
  const others = [{ snapshot: snapshotOf(older, 40), pages: left() }]
  const rootLost = async (facts: Facts) => findLostKeys(snapshotOf(damaged, 50, { items, ...facts }), left(...allPages()), others)
  const unsure = await rootLost({ compact_revision: 20 })
  t.ok(unsure.known.length > 5)
  t.ok(
    unsure.known.every(({ revision, certain }) => Number(revision.split('/')[0]) <= 50 && certain === Number(revision.split('/')[0]) > 20),
  )
  const text = lostKeysText(unsure)
  t.match(text, /^snapshot dddddddddddd of sample: 1 page of its database is lost, with \d+ items\n  lost: all buckets\n/)
  t.match(text, / at revision \d+, perhaps; snapshot aaaaaaaaaaaa has it\n/)
})

test('a page that is not in use costs no key; without any other snapshot that is said; many rows are cut off in text alone', async (t) => {
  const { items } = await whole()
  const none = await findLostKeys(snapshotOf(damaged, 142, { items }), left(), [])
  t.equal(lostKeysText(none), 'snapshot dddddddddddd of sample: no page that is in use is lost, and no key\n')
  const alone = await findLostKeys(snapshotOf(damaged, 142, { items }), left(...allPages()), [])
  t.match(lostKeysText(alone), /\n  no other whole snapshot knows these keys\n$/)
  const all = await findLostKeys(snapshotOf(damaged, 142, { items }), left(...allPages()), [
    { snapshot: snapshotOf(newer, 142), pages: left() },
  ])
  t.match(lostKeysText(all), /\n  … and \d+ more\n$/)
  t.equal(lostKeysText(all).split('\n').length, 1 + 1 + 20 + 1 + 1)
  t.match(lostKeysRow(all), { snapshot: damaged, items, items_exact: true, known: { length: all.known.length } })
})

function allPages(): number[] {
  return Array.from({ length: bytes.length / pageBytes }, (_, page) => page)
}

test('ranges are told as one where each goes on from the one before', (t) => {
  const key = (from: string | undefined, until: string | undefined, bucket = 'key') => ({ bucket, from, until })
  t.same(joined([key('1', '5'), key('5', '9'), key('12', '13'), key('13', undefined), key(undefined, undefined, 'lease')]), [
    key('1', '9'),
    key('12', undefined),
    key(undefined, undefined, 'lease'),
  ])
  t.end()
})
