import { test } from 'tap'
import type { Test } from 'tap'
import { fastLook, mostBytes } from '../src/fast-look.ts'
import { lookPages, lookPagesSlowly } from '../src/look.ts'
import { buildDatabase, row } from './database.ts'
import { readDatabase, readKubernetes, snapshotVersions } from './fixtures.ts'

const pageBytes = 4096
const plan = { pageBytes, seed: 7 }
/** Of what follows a page, so much may be its overflow. */
const runBytes = 16 * pageBytes

/** Looks at one page after the other, so that their rows are numbered alike; tells how many were left to the slow way. */
function samePages(t: Test, bytes: Uint8Array, what: string, pages = Math.floor(bytes.length / pageBytes)): number {
  let left = 0
  for (let page = 0; page < pages; page++) {
    const run = bytes.subarray(page * pageBytes, page * pageBytes + runBytes)
    const [fast, slow] = [lookPages, lookPagesSlowly].map((look) => Buffer.from(look(run, 0, page, 1, plan)))
    if (!fast!.equals(slow!)) t.same(fast, slow, `page ${page} of ${what}`)
    left += fastLook(run, 0, page, 1, plan).left.length
  }
  return left
}

test('every page of the fixtures is seen as the slow way sees it', (t) => {
  for (const version of snapshotVersions) samePages(t, readDatabase(`snap-${version}.db`), version)
  const { bytes } = readKubernetes('hour-00')
  const left = samePages(t, bytes, 'a Kubernetes snapshot')
  const pages = bytes.length / pageBytes
  t.ok(left > 0 && left < pages / 10, `${left} of ${Math.floor(pages)} pages are left to the slow way`)
  t.end()
})

test('whole segments are seen as the slow way sees them', (t) => {
  const { bytes } = readKubernetes('hour-00')
  let whole = 0
  for (const pages of [16, 64, 256]) {
    for (let page = 0; (page + pages) * pageBytes <= bytes.length; page += pages) {
      const segment = bytes.subarray(page * pageBytes, (page + pages) * pageBytes)
      if (fastLook(segment, 0, page, pages, plan).left.length > 0) continue
      const [fast, slow] = [lookPages, lookPagesSlowly].map((look) => Buffer.from(look(segment, 0, page, pages, plan)))
      if (!fast!.equals(slow!)) t.same(fast, slow, `${pages} pages from ${page}`)
      whole++
    }
  }
  t.ok(whole > 20, `${whole} segments were done without the slow way`)
  t.end()
})

test('pages with any byte changed are seen as the slow way sees them', (t) => {
  const rows = Array.from({ length: 60 }, (_, i) => row(i + 2, i % 3, `key-${i % 7}`, i % 9 === 8 ? undefined : new Uint8Array(i * 7)))
  const { bytes, leaves, branches } = buildDatabase({ items: [['key', { items: rows }]] })
  t.ok(leaves.length > 2 && branches.length > 0)
  let looks = 0
  let left = 0
  for (const page of [...leaves.slice(0, 3), ...branches]) {
    for (let at = page * pageBytes; at < (page + 1) * pageBytes; at++) {
      const before = bytes[at]!
      for (const value of [before ^ 1, before ^ 0x80, 0, 255]) {
        bytes[at] = value
        const run = bytes.subarray(page * pageBytes, page * pageBytes + runBytes)
        const [fast, slow] = [lookPages, lookPagesSlowly].map((look) => Buffer.from(look(run, 0, page, 1, plan)))
        if (!fast!.equals(slow!)) t.same(fast, slow, `byte ${at - page * pageBytes} of page ${page} is ${value}`)
        left += fastLook(run, 0, page, 1, plan).left.length
        looks++
      }
      bytes[at] = before
    }
  }
  t.ok(left > 100 && left < looks, `${left} of ${looks} were left to the slow way`)
  t.end()
})

test('a piece that is too long for the memory is seen all the same', (t) => {
  const { bytes } = readKubernetes('hour-00')
  const long = new Uint8Array(mostBytes + pageBytes)
  long.set(bytes.subarray(0, mostBytes))
  const pages = long.length / pageBytes
  const [fast, slow] = [lookPages, lookPagesSlowly].map((look) => Buffer.from(look(long, 0, 0, pages, plan)))
  t.ok(fast!.equals(slow!))
  t.end()
})
