import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'tap'
import { filePages, openBolt, readKeyValue, readRevision, walk } from '../packages/bolt/src/index.ts'
import { startEtcd } from '../scripts/etcd/start-etcd.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { deleteKeys, differences, etcdClient, readKeys, withEtcd, withRestoredEtcd, writeKeys } from './support/etcd.ts'
import type { RunningEtcd } from './support/etcd.ts'
import type { Ended } from './support/kpipe.ts'
import { etcdctl } from './support/member-state.ts'
import { lastLine, place, type Place } from './support/place.ts'

type KeyState = 'missing' | 'older' | 'back' | 'history'

interface Salvaged {
  readonly items: number
  readonly items_named: number
  readonly items_rescued: number
  readonly ranges: readonly { readonly bucket: string }[]
  readonly lost_keys: readonly {
    readonly key: string
    readonly state: KeyState
    readonly lost: readonly { readonly revision: string; readonly certain: boolean }[]
  }[]
}

/** Keys with several versions, deletions, compacted history, and pages that hold what was there before. */
async function history(etcd: RunningEtcd): Promise<void> {
  const keys = (count: number, step = 1) =>
    Array.from({ length: count }, (_, n): [string, Buffer] => [`key/${n * step}`, randomBytes(1500)])
  await writeKeys(etcd.clientUrl, keys(4000))
  await writeKeys(etcd.clientUrl, keys(300, 5))
  await deleteKeys(etcd.clientUrl, ['key/7', 'key/8', 'key/9', 'key/10'])
  const client = etcdClient(etcd.clientUrl)
  try {
    const { header } = await client.kv.range({ key: Buffer.from('key/0') })
    await client.kv.compact({ revision: header.revision, physical: true })
  } finally {
    client.close()
  }
  await writeKeys(etcd.clientUrl, keys(300, 7))
  await deleteKeys(etcd.clientUrl, ['key/14', 'key/15', 'key/16'])
}

interface Row {
  readonly key: string
  readonly deleted: boolean
  readonly bytes: string
}

/** Rows of bucket key by revision, in their order. */
async function rowsOf(file: string): Promise<Map<string, Row>> {
  const pages = await filePages(file)
  const rows = new Map<string, Row>()
  for await (const { path, key, value } of walk(await openBolt(pages), 'key')) {
    if (path.length === 0) continue
    const { main, sub, tombstone } = readRevision(key)!
    const bytes = Buffer.from(value!).toString('latin1')
    rows.set(sub === 0 ? `${main}` : `${main}/${sub}`, { key: Buffer.from(readKeyValue(value!).key).toString(), deleted: tombstone, bytes })
  }
  await pages.close()
  return rows
}

/** What became of each key that lost rows. */
function states(whole: ReadonlyMap<string, Row>, left: ReadonlyMap<string, Row>): Map<string, KeyState> {
  const newest = (rows: ReadonlyMap<string, Row>) => new Map([...rows].map(([revision, row]) => [row.key, { revision, ...row }]))
  const [before, after] = [newest(whole), newest(left)]
  const lost = new Set([...whole].filter(([revision]) => !left.has(revision)).map(([, { key }]) => key))
  return new Map(
    [...lost].map((key) => {
      const [was, is] = [before.get(key)!, after.get(key)]
      const there = is !== undefined && !is.deleted
      if (was.revision === is?.revision || (was.deleted && !there)) return [key, 'history']
      return [key, was.deleted ? 'back' : there ? 'older' : 'missing']
    }),
  )
}

/** The summary stands before the error. */
function salvagedOf({ stdout, stderr }: Ended): Salvaged {
  const summary = stdout.split('\n').find((line) => line.includes('"message_type":"summary"'))
  if (summary === undefined) throw new Error(`there is no summary in ${stdout}${stderr}`)
  return (JSON.parse(summary) as { salvaged: Salvaged }).salvaged
}

/** Flips a byte of a pack: `share` of the way through it. */
function flip(at: Place, pack: string, share: number): void {
  const file = at.at('repository/packs', pack)
  const bytes = readFileSync(file)
  bytes[Math.floor(bytes.length * share)] ^= 1
  rmSync(file)
  writeFileSync(file, bytes)
}

test('with any one frame destroyed, what is left is a database of which the listed keys alone are wrong, and it boots', async (t) => {
  const { at, before, packs } = await withEtcd('3.6', async (etcd) => {
    await history(etcd)
    const at = await place(t, `{ use: etcd, with: { endpoints: ['${etcd.clientUrl}'] } }`)
    t.equal((await at.kpipe(['run'])).code, 0)
    const packs = at.packs()
    const before = await readKeys(etcd.clientUrl)
    // All pages get other numbers, so that the next snapshot shares none with this one.
    await etcdctl(etcd, ['defrag'])
    await writeKeys(etcd.clientUrl, [['after', randomBytes(10)]])
    t.equal((await at.kpipe(['run'])).code, 0)
    return { at, before, packs }
  })
  const [{ id }] = JSON.parse((await at.kpipe(['snapshots', '--json'])).stdout) as [{ id: string }]
  t.equal((await at.kpipe(['restore', id, '--to', 'whole', '--salvage'])).code, 0)
  const whole = await rowsOf(at.at('whole'))
  cpSync(at.at('repository/packs'), at.at('packs-kept'), { recursive: true })
  // Pages that do not shrink: a frame that is full has a pack of its own.
  const ofPages = packs.filter((pack) => at.read(`repository/packs/${pack}`).length > 200_000)
  const frames = new Set<string>()
  let booted = 0
  for (const [pack, share] of ofPages.flatMap((pack) => [0.1, 0.9].map((share) => [pack, share] as const))) {
    rmSync(at.at('repository/packs'), { recursive: true })
    cpSync(at.at('packs-kept'), at.at('repository/packs'), { recursive: true })
    flip(at, pack, share)
    const to = `left-${pack.replaceAll('/', '-')}-${share}`
    const ended = await at.kpipe(['restore', id, '--salvage', '--to', to, '--json'])
    t.equal(ended.code, 65, ended.stderr)
    const [name] = /the frame at byte \d+/.exec(ended.stderr)!
    if (frames.has(`${pack} ${name}`)) continue
    frames.add(`${pack} ${name}`)
    t.match(lastLine(ended), { message_type: 'error', code: 'KPIPE_DAMAGED' })
    const salvaged = salvagedOf(ended)
    const left = await rowsOf(at.at(to))
    for (const [revision, { bytes }] of left) if (whole.get(revision)?.bytes !== bytes) t.fail(`${name}: revision ${revision} is another`)
    const missing = [...whole.keys()].filter((revision) => !left.has(revision))
    t.ok(missing.length > 100 && left.size > 30, `${name}: ${missing.length} rows are missing and ${left.size} left`)
    const listed = salvaged.lost_keys.flatMap(({ lost }) => lost.map(({ revision }) => revision))
    t.same(new Set(listed), new Set(missing), `${name}: the listed ones are those that are missing`)
    t.same(new Map(salvaged.lost_keys.map(({ key, state }) => [key, state])), states(whole, left), name)
    if (salvaged.ranges.some(({ bucket }) => bucket === '')) continue
    t.equal(salvaged.items, salvaged.items_named, 'all have names')
    const wrong = new Set(salvaged.lost_keys.filter(({ state }) => state !== 'history').map(({ key }) => key))
    await withRestoredEtcd('3.6', at.at(to), async (etcd) => {
      const after = await readKeys(etcd.clientUrl)
      const others = (keys: Awaited<ReturnType<typeof readKeys>>) => new Map([...keys].filter(([key]) => !wrong.has(key)))
      t.same(differences(others(before), others(after)), [], `${name}: all other keys are right`)
      t.ok(others(after).size > 100)
    })
    booted += 1
  }
  t.ok(frames.size > 2 && booted > 0, `${booted} of ${frames.size} booted`)
  t.same(
    readdirSync(at.folder).filter((name) => name.startsWith('kpipe-')),
    [],
    'nothing else is left behind',
  )

  const ended = await at.kpipe(['restore', id, '--salvage', '--data-dir', 'data', '--no-bump', '--snapshot-name', 'backup'])
  t.equal(ended.code, 65, ended.stderr)
  t.match(
    ended.stdout,
    /^snapshot [0-9a-f]{12} of backup: \d+ pages? of its database lost, and \d+ items with them\n  \d+ keys are there, and \d+ were noted\n/,
  )
  t.match(ended.stderr, /is not whole, and what is left of it is in data: /)
  const etcd = await startEtcd(await getEtcd({ version: '3.6' }), { dataDir: at.at('data'), name: 'default' })
  const { size } = await readKeys(etcd.clientUrl).finally(() => etcd.stop())
  t.ok(size > 100, `a data directory of it boots, with ${size} keys`)
  const drilled = await at.kpipe(['drill', id, '--level', 'walked', '--scratch', '.'])
  t.match(drilled, { code: 65, stderr: /is of [^\n]*: `kpipe drill [0-9a-f]{12}`\./ }, 'a drill says which other one to try')
  t.match(await at.kpipe(['restore', id, '--to', 'none']), { code: 65 }, 'without --salvage nothing is written')
  t.notOk(existsSync(at.at('none')))
  t.match(await at.kpipe(['restore', id, '--salvage', '--to', '-']), { code: 64, stderr: /--salvage writes a file/ })
})
