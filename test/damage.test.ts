import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { test } from 'tap'
import type { Test } from 'tap'
import { clone } from './support/kpipe.ts'
import type { Ended } from './support/kpipe.ts'
import { lastLine, place } from './support/place.ts'
import type { Place } from './support/place.ts'

const hours = ['hour-00', 'hour-01'].map((name) =>
  zstdDecompressSync(readFileSync(join(clone, 'test/fixtures/k8s-small', `${name}.db.zst`))),
)

interface Summary {
  readonly damages: readonly { readonly object: string; readonly snapshots: readonly string[] }[]
  readonly lost_keys: readonly {
    readonly snapshot: string
    readonly pages: number
    readonly items: number
    readonly known: readonly { readonly key: string; readonly certain: boolean; readonly in_snapshot: string }[]
  }[]
  readonly chunks_healed: number
}

/** A place with snapshots of these hours, and their ids. */
async function backedUp(t: Test, ...taken: readonly number[]): Promise<Place & { readonly ids: string[] }> {
  const made = await place(t, '{ use: file, with: { path: snap.db } }')
  const ids: string[] = []
  for (const hour of taken) ids.push(await run(t, made, hour))
  return { ...made, ids }
}

async function run(t: Test, { at, kpipe }: Place, hour: number, code = 0): Promise<string> {
  writeFileSync(at('snap.db'), hours[hour])
  const ended = await kpipe(['run', '--json'])
  t.equal(ended.code, code, ended.stderr)
  return String(lastLine(ended)['snapshot_id'])
}

/** The largest pack: that of the first backup's pages. */
function pagesPack({ packs, at }: Place): string {
  const sizes = packs().map((name) => ({ name, bytes: readFileSync(at('repository/packs', name)).length }))
  return at('repository/packs', sizes.toSorted((one, other) => other.bytes - one.bytes)[0].name)
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] ^= 1
  rmSync(file)
  writeFileSync(file, bytes)
}

/** The summary stands before the error. */
function summaryOf({ stdout }: Ended): Summary {
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  return lines.find((line) => line['message_type'] === 'summary') as unknown as Summary
}

async function restored(t: Test, { at, kpipe }: Place, id: string, hour: number): Promise<void> {
  rmSync(at('back.db'), { force: true })
  const { code, stderr } = await kpipe(['restore', id, '--to', 'back.db'])
  t.equal(code, 0, stderr)
  const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  t.equal(digest(readFileSync(at('back.db'))), digest(hours[hour]), `${id.slice(0, 12)}, byte for byte`)
}

test('a flipped byte: objects, snapshots and keys are named, the next backup heals, and what is whole again is clean', async (t) => {
  const made = await backedUp(t, 0, 0, 1)
  const { kpipe, ids } = made
  const pack = pagesPack(made)
  // In the second frame: the first 1,024 pages are whole.
  flip(pack, readFileSync(pack).length - 40_000)
  const found = await kpipe(['check', '--read-data', '--etcd', '--json'])
  t.equal(found.code, 65, found.stderr)
  const object = `packs/${pack.split('/packs/')[1]}`
  const first = summaryOf(found)
  t.match(first.damages, [{ object, snapshots: ids }])
  t.equal(first.lost_keys.length, 3)
  t.ok(
    first.lost_keys.every(({ pages, items, known }) => pages > 0 && items > 0 && known.length === 0),
    'all have lost the same',
  )

  const next = await run(t, made, 1, 3)
  const plain = await kpipe(['check', '--etcd'])
  t.equal(plain.code, 65, plain.stderr)
  for (const id of ids.slice(0, 2)) t.match(plain.stdout, id.slice(0, 12))
  t.notMatch(plain.stdout, `${ids[2].slice(0, 12)} of`, 'it is whole again')
  t.match(plain.stdout, / of its database (?:is|are) lost, with (?:about )?\d+ items\n  lost: /)
  t.match(plain.stdout, /  \/registry\/\S+ at revision \d+; snapshot [0-9a-f]{12} has it\n/)
  t.match(plain.stdout, /  … and \d+ more\n/)
  t.match(plain.stderr, new RegExp(`2 of 4 snapshots need[^]*the newest snapshot that does without them is ${next.slice(0, 12)} `))
  const told = summaryOf(await kpipe(['check', '--read-data', '--etcd', '--json']))
  t.same(told.damages[0].snapshots, ids.slice(0, 2))
  t.ok(told.lost_keys[0].known.length > 20)
  t.ok(told.lost_keys[0].known.every(({ in_snapshot: holder }) => holder === ids[2]))

  await restored(t, made, ids[2], 1)
  await restored(t, made, next, 1)
  const lost = await kpipe(['restore', ids[0], '--to', 'gone.db'])
  t.equal(lost.code, 65)
  t.match(lost.stderr, new RegExp(`kpipe restore ${next.slice(0, 12)} --to gone.db`))
  t.notOk(existsSync(made.at('gone.db')))

  t.match(await kpipe(['forget', ids[0], ids[1], '--apply', '--force']), { code: 0 })
  const last = await kpipe(['check', '--read-data', '--etcd'])
  t.match(last, { code: 0, stderr: /no snapshot needs what is lost in it\nnothing else is damaged/ })
})

test('a removed pack is found and healed by a backup alone', async (t) => {
  const made = await backedUp(t, 0, 0)
  rmSync(pagesPack(made))
  await run(t, made, 0, 3)
  t.match(await made.kpipe(['check', '--read-data', '--etcd']), { code: 0, stderr: /nothing else is damaged/ })
  for (const id of made.ids) await restored(t, made, id, 0)
  await run(t, made, 0)
})

test('--etcd alone finds what is broken as --read-data does, and notes it', async (t) => {
  const made = await backedUp(t, 0)
  flip(pagesPack(made), 2000)
  const found = await made.kpipe(['check', '--etcd'])
  t.equal(found.code, 65)
  t.match(found.stdout, /^packs\/\S+: the frame at byte 48 is not the one that was stored; needed by/)
  t.match(found.stdout, / of its database (?:is|are) lost, with (?:about )?\d+ items\n  lost: all buckets\n/)
  t.match(await made.logKinds(), /DAMAGED$/)
})

test('a lost log entry: backups stop, a repair says what it assumes, and they go on', async (t) => {
  const made = await backedUp(t, 0, 1)
  const { kpipe, at } = made
  const entry = at('repository/log/00000000000000000002')
  const bytes = readFileSync(entry)
  flip(entry, 100)
  const stopped = await kpipe(['run'])
  t.match(stopped, { code: 65, stderr: /log\/00000000000000000002 is lost[^]*kpipe repair/ })
  t.match(await kpipe(['check']), { code: 65, stdout: /^log\/00000000000000000002: it does not open\n/ })
  const plan = await kpipe(['repair'])
  t.equal(plan.code, 3, plan.stderr)
  t.match(plan.stdout, /log\/00000000000000000002: it does not open; what it said is lost/)
  t.match(plan.stdout, /a new epoch would begin [^]*  kept      [0-9a-f]{16}, a key file [^]*  kept      [0-9a-f]{16}, a recovery phrase /)
  t.match(plan.stderr, /nothing was changed: --apply does it/)
  t.match(await kpipe(['repair', '--apply']), { code: 0, stderr: /repaired; backups go on after one lost log entry\n/ })
  const next = await run(t, made, 1)
  await restored(t, made, next, 1)
  t.match(await kpipe(['check', '--read-data']), { code: 0 })
  t.match(await kpipe(['key', 'list', '--json']), { code: 0, stdout: /"epoch":2/ })
  t.match(await kpipe(['repair']), { code: 0, stderr: /nothing to repair/ })
  t.ok(bytes.length > 0)
})

test('when the newest entry is the lost one, a repair needs to be told that this is all that is left', async (t) => {
  const made = await backedUp(t, 0, 1)
  const { kpipe, at } = made
  flip(at('repository/log/00000000000000000004'), 100)
  const refused = await kpipe(['repair', '--apply'])
  t.equal(refused.code, 65)
  const [, head] = /kpipe repair --apply --expect-head (4:[0-9a-f]{64})/.exec(refused.stderr) ?? []
  t.ok(head, refused.stderr)
  t.match(await kpipe(['repair', '--apply', '--expect-head', head]), { code: 0 })
  await restored(t, made, await run(t, made, 1), 1)
})

test('damage of a recipe and of a manifest: named, not healed, the next backup is whole, and what is damaged can be forgotten', async (t) => {
  const made = await backedUp(t, 0)
  const { kpipe, at, packs } = made
  // A manifest of more than 64 KiB lies in a pack.
  writeFileSync(at('snap.db'), hours[0])
  const tags = Array.from({ length: 40 }, (_, index) => ['--tag', `${index}-`.padEnd(2000, 'x')]).flat()
  const tagged = await kpipe(['run', '--json', ...tags])
  t.equal(tagged.code, 0, tagged.stderr)
  const large = String(lastLine(tagged)['snapshot_id'])
  await run(t, made, 1)
  const files = packs().map((name) => at('repository/packs', name))
  const holder = files.find(
    (file) => readFileSync(file).length > 70_000 && readFileSync(file).length < 110_000 && readFileSync(file)[12] === 0x4d,
  )!
  flip(holder, 40_000)
  const found = await kpipe(['check', '--read-data'])
  t.equal(found.code, 65)
  t.match(found.stdout, new RegExp(`the manifest of snapshot ${large.slice(0, 12)} .* does not open; needed by ${large.slice(0, 12)}`))
  t.match(await kpipe(['restore', 'latest', '--to', 'latest.db']), {
    code: 65,
    stderr: /cannot be told while a part of the history is lost/,
  })
  t.match(await kpipe(['forget', large.slice(0, 8)]), { code: 3, stderr: /whose manifest cannot be read, would be forgotten/ })
  t.match(await kpipe(['forget', large.slice(0, 8), '--apply']), { code: 0, stderr: /whose manifest cannot be read, is forgotten/ })
  t.match(await kpipe(['check', '--read-data']), { code: 0 })

  const recipe = files.find((file) => readFileSync(file)[12] === 0x4d && file !== holder)!
  flip(recipe, 200)
  const broken = await kpipe(['check', '--read-data'])
  t.match(broken, {
    code: 65,
    stdout: /the frame at byte 48 is not the one that was stored; needed by .*\n/,
    stderr: /until its snapshots are forgotten/,
  })
  const next = await run(t, made, 1, 3)
  await restored(t, made, next, 1)
  t.match(await kpipe(['check', '--read-data']), { code: 65, stderr: new RegExp(`does without them is ${next.slice(0, 12)}`) })
})
