import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { jsonLines } from '../support/kpipe.ts'
import { pipelineWith } from '../support/pipeline-with.ts'
import type { Workplace } from '../support/workplace.ts'

const files = { 'pki/ca.crt': 0o644, 'pki/ca.key': 0o600, 'pki/etcd/ca.crt': 0o644, 'pki/empty': 0o640, 'enc.yaml': 0o400 }
type Name = keyof typeof files

/** A workplace whose pipeline file attaches a folder as kubeadm makes it, and a file. */
async function attaching(t: { after(done: () => void): void }, more = ''): Promise<Workplace> {
  const place = await pipelineWith(t, `attach: [pki, enc.yaml${more}]\n`)
  mkdirSync(place.at('pki/etcd'), { recursive: true })
  for (const [name, mode] of Object.entries(files)) {
    writeFileSync(place.at(name), name === 'pki/empty' ? '' : `this is ${name}`)
    chmodSync(place.at(name), mode)
    utimesSync(place.at(name), 1_700_000_000, 1_700_000_000)
  }
  return place
}

test('attached files go with every snapshot and come back with permissions and times, nothing written over', async (t) => {
  const place = await attaching(t)
  const { at, kpipe } = place
  const [run, again] = [await kpipe(['run', '--json']), await kpipe(['run'])]
  t.match(jsonLines(run.stdout).at(-1), { attachments: 5, bytes_attached: 75, bytes_read: 73760, attention: [] })
  t.match(again, { code: 0, stdout: /\n {2}with {4}75 B in 5 attached files\n/ })
  t.match(again.stdout, /\n {2}fresh {3}0 B /)
  const packs = readdirSync(at('repository/packs'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  t.equal(packs.length, 2, 'one of chunks and one of recipes, of the first run')

  const [, newest] = JSON.parse((await kpipe(['snapshots', '--json'])).stdout) as { attachments: { name: string; mode: number }[] }[]
  const named = (name: string): string => at(name).slice(1)
  t.same(
    newest!.attachments.map(({ name, mode }) => [name, mode]),
    ['pki/ca.crt', 'pki/ca.key', 'pki/empty', 'pki/etcd/ca.crt', 'enc.yaml'].map((name) => [named(name), files[name as Name]]),
  )

  const restored = await kpipe(['restore', 'latest', '--attachments', 'out', '--json'])
  t.equal(restored.code, 0, restored.stderr)
  t.match(jsonLines(restored.stdout).at(-1), { message_type: 'summary', to: 'out', bytes_written: 75 })
  for (const [name, mode] of Object.entries(files)) {
    const copy = join(at('out'), at(name))
    t.equal(readFileSync(copy, 'utf8'), readFileSync(at(name), 'utf8'))
    t.equal(statSync(copy).mode & 0o777, mode, name)
    t.equal(statSync(copy).mtimeMs, 1_700_000_000_000)
  }
  t.equal(statSync(join(at('out'), at('pki'))).mode & 0o777, 0o700)
  const there = await kpipe(['restore', 'latest', '--attachments', 'out'])
  t.match(there, { code: 64, stderr: /pki\/ca\.crt exists\n/ })

  const database = await kpipe(['restore', 'latest', '--to', 'snap'])
  t.match(database.stderr, /\n {2}beside {2}5 attached files, which --attachments DIR writes\n/)
  t.ok(readFileSync(at('snap')).equals(readFileSync(at('snap.db'))))

  const one = await kpipe(['restore', 'latest', '--attachment', at('pki/ca.key'), '--to', 'copy.key'])
  t.equal(one.code, 0, one.stderr)
  t.equal(readFileSync(at('copy.key'), 'utf8'), 'this is pki/ca.key')
  t.equal(statSync(at('copy.key')).mode & 0o777, 0o600)
  t.match(await kpipe(['restore', 'latest', '--attachment', named('enc.yaml'), '--to', '-']), { code: 0, stdout: 'this is enc.yaml' })
  t.match(await kpipe(['restore', 'latest', '--attachment', 'enc.yaml', '--to', 'x']), {
    code: 64,
    stderr: /none is enc\.yaml\n`kpipe snapshots --json`/,
  })
})

test('an attachment that cannot be read is told with exit code 3, and the backup is made', async (t) => {
  const { at, kpipe } = await attaching(t, ', missing.yaml')
  const run = await kpipe(['run', '--json'])
  t.equal(run.code, 3, run.stderr)
  const sentence = `attachment ${at('missing.yaml')} is not in this snapshot: it cannot be read: no such file or directory (ENOENT)`
  t.match(jsonLines(run.stdout).at(-1), { attachments: 5, attention: [sentence] })
  t.match(run.stderr, sentence)
  const plan = await kpipe(['plan'])
  t.match(
    plan.stdout,
    /\n {2}attached {4}5 files, 75 B, of \/.*\/pki, \/.*\/enc\.yaml, \/.*\/missing\.yaml, and 1 path that a run would leave out\n/,
  )
  t.match(plan.stderr, sentence)
  t.match((await kpipe(['config', 'show'])).stdout, /\nattach\[2\] +\/.*\/missing\.yaml +backup\.yaml:6\n/)
})

test('whoever has put a link below the folder gets no file elsewhere', async (t) => {
  const { at, kpipe } = await attaching(t)
  await kpipe(['run', '-q'])
  mkdirSync(at('elsewhere'))
  mkdirSync(at('out'))
  const [first] = at('pki').split('/').filter(Boolean)
  symlinkSync('../elsewhere', at('out', first!))
  const { code, stderr } = await kpipe(['restore', 'latest', '--attachments', 'out'])
  t.equal(code, 75, stderr)
  t.match(stderr, /is in the way of /)
  t.same(readdirSync(at('elsewhere')), [])
})

test('of a damaged snapshot, every attachment comes back that can be read; the others are named, with exit code 65', async (t) => {
  const { at, kpipe } = await attaching(t)
  await kpipe(['run', '-q'])
  // Does not compress, and has a frame of its own.
  writeFileSync(at('pki/large'), crypto.getRandomValues(new Uint8Array(60_000)))
  await kpipe(['run', '-q'])
  const packs = readdirSync(at('repository/packs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => statSync(path).size > 50_000)
  t.equal(packs.length, 1)
  const bytes = readFileSync(packs[0]!)
  bytes[30_000]! ^= 1
  chmodSync(packs[0]!, 0o600)
  writeFileSync(packs[0]!, bytes)
  const { code, stderr } = await kpipe(['restore', 'latest', '--attachments', 'out'])
  t.equal(code, 65, stderr)
  t.match(stderr, /: 5 attached files, 75 B, written to out /)
  t.match(stderr, /warning: attachment .*pki\/large: /)
  t.match(stderr, /kpipe: 1 of the 6 attachments of snapshot [0-9a-f]{12} of sample cannot be read\n/)
  t.notOk(existsSync(join(at('out'), at('pki/large'))))
  for (const name of Object.keys(files)) t.ok(existsSync(join(at('out'), at(name))), name)
})
