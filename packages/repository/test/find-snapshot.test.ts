import { test } from 'tap'
import { codeOf, madeRepository, reopened } from './made-repository.ts'
import { backUp } from './paged-backup.ts'

test('a snapshot is found by id, order, time and revision', async (t) => {
  const { repository } = await madeRepository()
  const ids: string[] = []
  for (const [hour, revision] of [
    [10, 100],
    [11, 200],
    [12, 200],
  ] as const) {
    const time = new Date(`2026-11-01T${hour}:00:00Z`)
    ids.push((await backUp(repository, Buffer.from([hour]), { time, facts: { revision } })).snapshot.id)
  }
  const find = (reference: string): string => repository.find(reference).id
  t.equal(find('latest'), ids[2])
  t.equal(find('latest~0'), ids[2])
  t.equal(find('latest~2'), ids[0])
  t.equal(find(ids[1]), ids[1])
  t.equal(find(ids[1].slice(0, 12).toUpperCase()), ids[1])
  t.equal(find('@2026-11-01T11:00:00Z'), ids[1])
  t.equal(find('@2026-11-01T11:59'), ids[1])
  t.equal(find('@2026-11-01T13:30+02:00'), ids[1])
  t.equal(find('@2027-01-01'), ids[2])
  t.equal(find('rev:100'), ids[0])
  t.equal(find('rev:200'), ids[2], 'the newest')
  for (const reference of ['latest~3', '@2026-11-01T09:59Z', 'rev:150', '0000', 'abc', 'xyz!', '', '@noon', 'latest~', 'rev:']) {
    t.equal(await codeOf(() => find(reference)), 'KPIPE_UNKNOWN_SNAPSHOT', reference)
  }
})

test('with several names and none given, only an id says which one', async (t) => {
  const { repository } = await madeRepository()
  const one = await backUp(repository, Buffer.from('1'), { name: 'one', facts: { revision: 1 } })
  const two = await backUp(repository, Buffer.from('2'), { name: 'two', facts: { revision: 2 } })
  for (const reference of ['latest', '@2100-01-01']) {
    await t.rejects(async () => repository.find(reference), { code: 'KPIPE_AMBIGUOUS_SNAPSHOT', message: /one, two/ })
    t.equal(repository.find(reference, { name: 'one' }).id, one.snapshot.id)
  }
  t.equal(repository.find('rev:2').id, two.snapshot.id, 'only one name has that revision')
  t.equal(repository.find(one.snapshot.shortId).id, one.snapshot.id)
  t.equal(await codeOf(() => repository.find('latest', { name: 'three' })), 'KPIPE_UNKNOWN_SNAPSHOT')
})

test('a prefix of several ids is ambiguous', async (t) => {
  const { repository } = await madeRepository()
  const seen = new Map<string, string>()
  // 16 bits: two of some 300 ids share them sooner or later.
  for (let round = 0; round < 5000; round++) {
    const { id } = (await backUp(repository, Buffer.from(String(round)))).snapshot
    const prefix = id.slice(0, 4)
    if (seen.has(prefix)) {
      await t.rejects(async () => repository.find(prefix), { code: 'KPIPE_AMBIGUOUS_SNAPSHOT' })
      t.equal(repository.find(id).id, id)
      return
    }
    seen.set(prefix, id)
  }
  t.fail('no two ids began alike')
})

test('what is newest passes over snapshots in doubt, which is told; an id or a revision means them still', async (t) => {
  const { repository: plain, store } = await madeRepository()
  const ids: string[] = []
  for (const [hour, doubtful] of [false, true, false, true, true].entries()) {
    const time = new Date(`2026-11-01T1${hour}:00:00Z`)
    const facts = { revision: 100 + hour, ...(doubtful && { rumour: 'a follower says otherwise' }) }
    ids.push((await backUp(plain, Buffer.from([hour]), { time, facts })).snapshot.id)
  }
  const warnings: string[] = []
  const repository = await reopened(store, {
    warn: (message) => void warnings.push(message),
    doubtOf: ({ rumour }) => (typeof rumour === 'string' ? `doubtful: ${rumour}` : undefined),
  })
  const find = (reference: string): string => repository.find(reference).id
  warnings.length = 0
  t.equal(find('latest'), ids[2])
  t.equal(find('latest'), ids[2])
  const last = `snapshot ${ids[4].slice(0, 12)} of 2026-11-01T14:00:00.000Z is doubtful: a follower says otherwise`
  t.same(warnings, [`"latest" passes over 2 newer ones, the last of them: ${last}`], 'once')
  t.equal(find('latest~1'), ids[0])
  t.equal(find('@2026-11-01T11:30Z'), ids[0])
  t.equal(find('@2026-11-01T13:30Z'), ids[2])
  t.match(warnings.slice(1), [
    /^"latest~1" passes over 3 newer ones/,
    /^"@2026-11-01T11:30Z" passes over a newer one: snapshot/,
    /passes over a newer one/,
  ])
  t.equal(await codeOf(() => find('latest~2')), 'KPIPE_UNKNOWN_SNAPSHOT')
  const again = await reopened(store, { warn: (message) => void warnings.push(message), doubtOf: () => 'doubtful' })
  warnings.length = 0
  t.equal(again.find(ids[1]).id, ids[1])
  t.equal(again.find('rev:103').id, ids[3])
  t.match(warnings, [/^snapshot .* is doubtful$/, /^snapshot .* is doubtful$/])
  await t.rejects(async () => again.find('latest'), {
    code: 'KPIPE_UNKNOWN_SNAPSHOT',
    message: `no snapshot is "latest" but by its id: snapshot ${ids[4].slice(0, 12)} of 2026-11-01T14:00:00.000Z is doubtful`,
  })
  t.equal((await repository.newestIntact(repository.find(ids[4])))?.id, ids[2], 'one in doubt is no better choice')
})
