import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'tap'
import { onSmallDisk } from './support/broken-disk.ts'
import { emptyPlace, filesUnder, lastLine, place } from './support/place.ts'
import type { Place } from './support/place.ts'

const source = "{ use: file, with: { path: './input' } }"
const pages = 256
const now = ['--apply', '--max-unused', '0', '--sweep-delay', '0s']

/** Some of the pages of `input` become others. */
function change(at: Place, input: Buffer, count: number): void {
  for (let turn = 0; turn < count; turn++) randomBytes(4096).copy(input, randomInt(pages) * 4096)
  writeFileSync(at.at('input'), input)
}

async function ids({ kpipe }: Place): Promise<string[]> {
  return (JSON.parse((await kpipe(['snapshots', '--json'])).stdout) as { id: string }[]).map(({ id }) => id)
}

test('backups and prunes side by side, prunes killed at any time, leave every snapshot whole', async (t) => {
  const at = await place(t, source)
  const input = randomBytes(pages * 4096)
  const taken = new Map<string, Buffer>()
  let killed = 0
  for (let round = 0; round < 8; round++) {
    change(at, input, 20)
    const kept = await ids(at)
    if (kept.length > 3) await at.kpipe(['forget', '--keep-last', '2', '--apply', '--force'])
    const [prunes, runs] = [[at.spawn(['prune', ...now]), at.spawn(['prune', ...now])], at.spawn(['run', '--json'])] as const
    await delay(randomInt(100, 900))
    prunes[0].child.kill('SIGKILL')
    const [ended, other, run] = await Promise.all([prunes[0].ended, prunes[1].ended, runs.ended])
    if (ended.signal === 'SIGKILL') killed += 1
    t.equal(other.code, 0, other.stderr)
    t.equal(run.code, 0, run.stderr)
    taken.set(String(lastLine(run)['snapshot_id']), Buffer.from(input))
  }
  t.ok(killed > 0, `${killed} prunes were killed`)
  t.equal((await at.kpipe(['prune', ...now])).code, 0)
  const last = await at.kpipe(['prune', ...now, '--json'])
  t.match(lastLine(last), { open_writers: [], unknown_objects: [], waiting: { objects: 0 }, attention: [], bytes_unused: 0 })
  for (const [index, id] of (await ids(at)).entries()) {
    t.equal((await at.kpipe(['restore', id, '-to', `./snap${index}`])).code, 0)
    t.ok(at.read(`snap${index}`).equals(taken.get(id)!))
  }
  const check = await at.kpipe(['check', '--read-data'])
  t.equal(check.code, 0, check.stderr)
})

test('on a full disk forget and prune give back space, and backups go on', async (t) => {
  const at = emptyPlace(t)
  at.pipeline(source)
  const small = onSmallDisk(t, at.at('repository'))
  t.comment(small ? 'on a tmpfs of 4 MiB' : 'no tmpfs can be mounted here: the disk has room')
  t.equal((await at.kpipe(['init', '--no-recovery-phrase'])).code, 0)
  t.ok(existsSync(at.at('repository', 'reserve', '0')))
  const input = randomBytes(pages * 4096)
  let run = await (change(at, input, 1), at.kpipe(['run', '-q']))
  const mostTurns = small ? 9 : 0
  for (let turn = 0; run.code === 0 && turn < mostTurns; turn++) run = await (change(at, input, 300), at.kpipe(['run', '-q']))
  if (small) t.equal(run.code, 75, 'the disk is full')
  else for (let turn = 0; turn < 2; turn++) await (change(at, input, 300), at.kpipe(['run', '-q']))
  if (small) fill(at)
  const room = at.at('repository', 'reserve', '0')
  const forgotten = await at.kpipe(['forget', '--keep-last', '1', '--apply', '--force'])
  t.equal(forgotten.code, 0, forgotten.stderr)
  if (small) t.notOk(existsSync(room), 'what was reserved made room for it')
  if (small) fill(at, 3)
  const before = filesUnder(at.at('repository', 'packs')).length
  const pruned = await at.kpipe(['prune', ...now])
  t.equal(pruned.code, 0, pruned.stderr)
  t.ok(filesUnder(at.at('repository', 'packs')).length < before)
  t.ok(existsSync(room), 'it is made again')
  change(at, input, 3)
  t.equal((await at.kpipe(['run', '-q'])).code, 0)
  t.equal((await at.kpipe(['restore', 'latest', '-to', 'again'])).code, 0)
  t.ok(at.read('again').equals(input))
})

/** Uses up the disk, but for some pages. */
function fill(at: Place, pagesLeft = 0): void {
  const path = at.at('repository', 'filler')
  let size = 0
  for (const step of [2 ** 16, 2 ** 12]) {
    for (;;) {
      try {
        writeFileSync(path, Buffer.alloc(step), { flag: 'a' })
        size += step
      } catch {
        break
      }
    }
  }
  if (pagesLeft > 0) writeFileSync(path, Buffer.alloc(Math.max(0, size - pagesLeft * 4096)))
}
