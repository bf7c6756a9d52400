import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { fixedHistory } from './support/fixed-history.ts'
import { lastLine, place, type Place } from './support/place.ts'

const history = await fixedHistory()
const source = '{ use: file, with: { path: ./input } }'
const streams = (at: Place) => at.at('home/.local/state/kpipe/streams')

/** What a backup says of what it stored. */
async function stored(at: Place, bytes: Uint8Array): Promise<{ facts: Record<string, unknown>; remembered: number }> {
  writeFileSync(at.at('input'), bytes)
  const run = await at.kpipe(['run', '--json'])
  if (run.code !== 0) throw new Error(run.stderr)
  const { revision, keys, bytes_fresh, chunks, chunks_fresh, bytes_encoded, trailer_verified, chunks_remembered } = lastLine(run)
  const status = JSON.parse((await at.kpipe(['status', 'latest', '-w', 'json'])).stdout) as unknown
  const facts = { revision, keys, bytes_fresh, chunks, chunks_fresh, bytes_encoded, trailer_verified, status }
  return { facts, remembered: Number(chunks_remembered) }
}

async function restoredDigest(at: Place): Promise<string> {
  rmSync(at.at('restored'), { force: true })
  const { code, stderr } = await at.kpipe(['restore', 'latest', '-to', 'restored'])
  if (code !== 0) throw new Error(stderr)
  return digestOf(readFileSync(at.at('restored')))
}

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a host that remembers the last stream stores what one does that does not', async (t) => {
  const [remembering, forgetful] = [await place(t, source), await place(t, source)]
  const counts: number[] = []
  for (const { title, bytes } of history) {
    rmSync(streams(forgetful), { recursive: true, force: true })
    const [one, other] = [await stored(remembering, bytes), await stored(forgetful, bytes)]
    t.same(one.facts, other.facts, title)
    t.equal(other.remembered, 0)
    t.equal(await restoredDigest(remembering), digestOf(bytes), title)
    t.equal(readdirSync(streams(remembering)).length, 1, 'one file, and no draft')
    counts.push(one.remembered)
  }
  const [first, later, unchanged, rewritten, changed] = counts as [number, number, number, number, number]
  t.equal(first, 0)
  t.ok(later > 50, `${later} pages: the first snapshot is half as long`)
  t.ok(unchanged > 1000, `${unchanged} pages: all but those of the first segments, which are cut before anybody remembers`)
  t.ok(rewritten < later, `${rewritten} pages of a database that was written anew`)
  t.ok(changed > 500, `${changed} pages`)
})

test('what is remembered of another repository, or damaged, or cut off, is not taken', async (t) => {
  const [at, other] = [await place(t, source), await place(t, source)]
  const [before, after] = [history[0]!.bytes, history[1]!.bytes]
  await stored(at, before)
  await stored(other, before)
  const file = join(streams(at), readdirSync(streams(at))[0]!)
  const good = readFileSync(file)
  const foreign = readFileSync(join(streams(other), readdirSync(streams(other))[0]!))
  const flipped = Buffer.from(good)
  for (let at = 100; at < flipped.length; at += 1000) flipped[at]! ^= 1
  const states: Readonly<Record<string, Uint8Array>> = {
    foreign,
    flipped,
    'cut off': good.subarray(0, good.length >> 1),
    empty: Buffer.alloc(0),
  }
  for (const [title, bytes] of Object.entries(states)) {
    writeFileSync(file, bytes)
    const { facts, remembered } = await stored(at, after)
    t.equal(remembered, 0, title)
    t.match(facts, { revision: 9163, trailer_verified: true }, title)
    t.equal(await restoredDigest(at), digestOf(after), title)
  }
})
