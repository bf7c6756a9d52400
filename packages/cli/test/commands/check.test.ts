import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import { backedUp, initialized } from '../support/workplace.ts'
import type { Workplace } from '../support/workplace.ts'

function packs({ at }: Workplace): string[] {
  const names = readdirSync(at('repository/packs'), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => /[0-9a-f]{32}$/.test(name)).map((name) => join(at('repository/packs'), name))
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at] ^= 1
  rmSync(file)
  writeFileSync(file, bytes)
}

test('a clean repository exits 0 and tells what was checked, by words and for programs', async (t) => {
  const { kpipe } = await backedUp(t)
  const plain = await kpipe(['check'])
  t.match(plain, {
    code: 0,
    stdout: '',
    stderr: /checked: 3 log entries, 2 key slots; all packs are there: 2 of 1 snapshot,.*\nnothing is damaged/,
  })
  const full = await kpipe(['check', '--read-data', '--etcd'])
  t.match(full, { code: 0, stderr: /read: 2 packs, .*\nread as etcd: 1 database, 74 kB\nnothing is damaged/ })
  const lines = jsonLines((await kpipe(['check', '--read-data', '--etcd', '--json'])).stdout)
  t.match(lines.at(-1), {
    message_type: 'summary',
    snapshots: 1,
    packs: 2,
    packs_read: 2,
    databases: 1,
    bytes_of_databases: 73760,
    damages: [],
  })
  t.equal(Number(lines.at(-1)?.['bytes_read']), Number(lines.at(-1)?.['bytes']))
})

test('check works on the repository and a phrase alone', async (t) => {
  const { kpipe, id } = await backedUp(t)
  const alone = ['--store', 'repository', '--recovery-phrase-file', 'phrase.txt']
  t.match(await kpipe(['check', '--read-data', '--etcd', id, ...alone]), { code: 0 })
  t.match(await kpipe(['check', 'ffffffff', ...alone]), { code: 64 })
})

test('an empty repository is clean', async (t) => {
  const { kpipe } = await initialized(t)
  t.match(await kpipe(['check', '--read-data', '--etcd']), { code: 0, stderr: /all packs are there: 0 of 0 snapshots/ })
})

test('a flipped bit is found by --read-data and by --etcd, named with its snapshot, and exits 65', async (t) => {
  const place = await backedUp(t)
  const { kpipe, id } = place
  const sizes = packs(place).map((file) => readFileSync(file).length)
  const data = packs(place)[sizes.indexOf(Math.max(...sizes))]
  flip(data, 1000)
  t.equal((await kpipe(['check'])).code, 0, 'presence alone does not see it')
  for (const flag of ['--read-data', '--etcd']) {
    const found = await kpipe(['check', flag])
    t.equal(found.code, 65, found.stderr)
    const keys =
      flag === '--etcd'
        ? `snapshot ${id.slice(0, 12)} of sample: 1 page of its database is lost, with \\d+ items\n  lost: all buckets\n.*\n`
        : ''
    t.match(found.stdout, new RegExp(`^packs/../[0-9a-f]{32}: .*; needed by ${id.slice(0, 12)} of sample\n${keys}$`))
    t.match(found.stderr, /damaged: 1 object of .*; 1 of 1 snapshots need/)
    const lines = jsonLines((await kpipe(['check', flag, '--json'])).stdout)
    t.match(lines.at(-2), { message_type: 'summary', damages: [{ object: /^packs/, snapshots: [id] }] })
    t.match(lines.at(-1), { message_type: 'error', code: 'KPIPE_DAMAGED', exit_code: 65 })
  }
})

test('a missing pack is found at once, and snapshots that do without it are told', async (t) => {
  const place = await backedUp(t)
  const before = packs(place)
  writeFileSync(place.at('other.bin'), Buffer.alloc(200_000, 'other'))
  writeFileSync(
    place.at('other.yaml'),
    readFileSync(place.at('backup.yaml'), 'utf8').replace('snap.db', 'other.bin').replace('sample', 'second'),
  )
  t.match(await place.kpipe(['run', '-q', '-c', 'other.yaml']), { code: 0 })
  rmSync(before[0])
  const found = await place.kpipe(['check'])
  t.match(found, {
    code: 65,
    stdout: /: it is missing; needed by [0-9a-f]{12} of sample\n/,
    stderr: /newest snapshot that does without them is [0-9a-f]{12} of second/,
  })
  t.match(await place.kpipe(['check', '--name', 'second', '--read-data', '--etcd']), { code: 0, stderr: /in 1 snapshot there is none/ })
})

test('a part of the data is read in turns, and two ways at once are refused', async (t) => {
  const { kpipe } = await backedUp(t)
  const read: unknown[] = []
  for (let turn = 0; turn < 2; turn++) {
    const { code, stdout } = await kpipe(['check', '--read-data-subset', '1%', '--json'])
    t.equal(code, 0)
    read.push(jsonLines(stdout).at(-1)?.['bytes_read'])
  }
  t.not(read[0], read[1], 'the second turn reads the other pack')
  t.match(await kpipe(['check', '--read-data-subset', '0%']), { code: 64, stderr: /no share/ })
  t.match(await kpipe(['check', '--read-data-subset', '1%', '--read-data']), { code: 64 })
})

test('an older copy of a repository is checked, and said to be older', async (t) => {
  const { kpipe, at } = await backedUp(t)
  cpSync(at('repository'), at('copy'), { recursive: true })
  await kpipe(['run', '-q'])
  rmSync(at('repository'), { recursive: true })
  cpSync(at('copy'), at('repository'), { recursive: true })
  t.match(await kpipe(['check', '--read-data']), { code: 3, stderr: /could not be recorded.*\n.*read: 2 packs/s })
})
