import { test } from 'tap'
import { boltPageBytes } from '../src/bolt-page-bytes.ts'
import { boltHead } from './bolt-file.ts'

test('the page size is what meta page 0 says', async (t) => {
  for (const pageBytes of [512, 1024, 4096, 16384, 65536]) t.equal(boltPageBytes(boltHead(pageBytes)), pageBytes)
})

test('meta page 1 answers when meta page 0 is damaged', async (t) => {
  for (const pageBytes of [1024, 4096, 32768]) {
    const head = boltHead(pageBytes)
    head[40] ^= 1
    t.equal(boltPageBytes(head), pageBytes)
  }
})

test('a meta page counts only with its flag, magic, version, checksum and a power of two', async (t) => {
  for (const position of [8, 16, 20, 24, 72]) {
    const head = boltHead(4096)
    head[position] ^= 1
    head[4096 + position] ^= 1
    t.equal(boltPageBytes(head), undefined, `byte ${position}`)
  }
  t.equal(boltPageBytes(boltHead(4096 * 64)), undefined, 'a page beyond 64 KiB')
})

test('other streams have no page size, however short', async (t) => {
  for (const bytes of [0, 1, 79, 80, 65536]) t.equal(boltPageBytes(new Uint8Array(bytes)), undefined)
  t.equal(boltPageBytes(boltHead(4096).subarray(0, 79)), undefined)
})
