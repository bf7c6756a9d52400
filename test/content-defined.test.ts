import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { test } from 'tap'
import { clone } from './support/kpipe.ts'
import { emptyPlace, type Place } from './support/place.ts'
import { shifted, tar, tarEntries } from './support/tar.ts'

interface Summary {
  readonly snapshot_id: string
  readonly bytes_read: number
  readonly bytes_fresh: number
  readonly chunks_fresh: number
}

const stages = (chunk: string, hash: string) =>
  `stages:\n  - { use: chunk, with: { algorithm: ${chunk} } }\n  - { use: hash, with: { algorithm: ${hash} } }\n  - use: compress\n  - use: seal`

async function made(t: { after(done: () => void): void }, chunk: string, hash: string): Promise<Place> {
  const place = emptyPlace(t)
  place.pipeline('{ use: file, with: { path: ./stream } }', stages(chunk, hash))
  const { code, stderr } = await place.kpipe(['init', '-c', 'backup.yaml', '--no-recovery-phrase'])
  if (code !== 0) throw new Error(stderr)
  return place
}

async function backUp(place: Place, stream: Uint8Array): Promise<Summary> {
  writeFileSync(place.at('stream'), stream)
  const { code, stdout, stderr } = await place.kpipe(['run', 'backup.yaml', '--json'])
  if (code !== 0) throw new Error(stdout + stderr)
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Summary
}

async function digestOf(place: Place, id: string): Promise<string> {
  const { code, stderr } = await place.kpipe(['restore', id, '--to', `restored-${id}`, '-c', 'backup.yaml'])
  if (code !== 0) throw new Error(stderr)
  return createHash('sha256')
    .update(readFileSync(place.at(`restored-${id}`)))
    .digest('hex')
}

const fixtures = ['hour-00.db', 'hour-01.db'].map((name) => {
  const path = join(clone, 'test/fixtures/k8s-small', name)
  return { bytes: zstdDecompressSync(readFileSync(`${path}.zst`)), digest: readFileSync(`${path}.sha256`, 'utf8').trim() }
})

test('snapshots of etcd that are cut by content and tagged with BLAKE3 come back exactly', async (t) => {
  const place = await made(t, 'fastcdc', 'blake3')
  const summaries: Summary[] = []
  for (const { bytes } of fixtures) summaries.push(await backUp(place, bytes))
  for (const [index, { snapshot_id }] of summaries.entries()) t.equal(await digestOf(place, snapshot_id), fixtures[index].digest)
  t.ok(summaries[1].bytes_fresh < summaries[1].bytes_read, 'something of the parent was found')
  const { code, stdout } = await place.kpipe(['status', 'latest', '-c', 'backup.yaml', '-w', 'json'])
  t.equal(code, 0)
  t.match(JSON.parse(stdout), {
    revision: JSON.parse(readFileSync(join(clone, 'test/fixtures/k8s-small/hour-01.db.status.json'), 'utf8')).revision,
  })
})

test('an archive whose contents have moved is found again, and comes back exactly', async (t) => {
  const place = await made(t, 'auto', 'blake3')
  const entries = tarEntries(120)
  const streams = [tar(entries), tar(shifted(entries))]
  const [first, second] = [await backUp(place, streams[0]), await backUp(place, streams[1])]
  t.ok(streams[0].length > 10_000_000, `${streams[0].length} bytes`)
  t.equal(first.bytes_fresh, streams[0].length)
  // Three places changed; each takes a few chunks of at most 256 KiB with it.
  t.ok(second.bytes_fresh < 12 * 262_144, `${second.bytes_fresh} bytes are fresh`)
  for (const [index, { snapshot_id }] of [first, second].entries()) {
    t.equal(await digestOf(place, snapshot_id), createHash('sha256').update(streams[index]).digest('hex'))
  }
  const again = await backUp(place, streams[1])
  t.equal(again.chunks_fresh, 0)
})

test('what comes again within one stream is stored once', async (t) => {
  const place = await made(t, 'auto', 'sha256')
  const summary = await backUp(place, Buffer.alloc(20_000_000))
  t.equal(summary.bytes_read, 20_000_000)
  t.ok(summary.bytes_fresh <= 2 * 262_144, `${summary.bytes_fresh} bytes are fresh`)
  t.equal(await digestOf(place, summary.snapshot_id), createHash('sha256').update(Buffer.alloc(20_000_000)).digest('hex'))
})

test('streams of 0 bytes, 1 byte and one chunk are cut by content too', async (t) => {
  const place = await made(t, 'auto', 'blake3')
  for (const bytes of [0, 1, 16_384]) {
    const stream = Buffer.alloc(bytes, 'x')
    const { snapshot_id } = await backUp(place, stream)
    t.equal(await digestOf(place, snapshot_id), createHash('sha256').update(stream).digest('hex'), `${bytes} bytes`)
  }
})

test('a pipeline with another hash than the repository’s is refused, and nothing is published', async (t) => {
  for (const [own, other] of [
    ['sha256', 'blake3'],
    ['blake3', 'sha256'],
  ]) {
    const place = await made(t, 'auto', own)
    writeFileSync(place.at('stream'), 'stream')
    place.pipeline('{ use: file, with: { path: ./stream } }', stages('auto', other))
    const { code, stderr } = await place.kpipe(['run', 'backup.yaml'])
    t.equal(code, 78)
    t.match(stderr, `was made with ${own} tags, the pipeline makes ${other} ones`)
    t.equal(await place.logKinds(), 'GENESIS')
  }
})
