import { test } from 'tap'
import type { BoltItem } from '@kpipe/bolt'
import { editedItems } from '../../src/restore/edited-items.ts'
import type { BucketEdit, Row } from '../../src/restore/edited-items.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const row = (key: string, value: string): Row => [Buffer.from(key), Buffer.from(value)]

/** Items written as `bucket`, `bucket/key=value`. */
async function* itemsOf(lines: readonly string[]): AsyncGenerator<BoltItem> {
  for (const line of lines) {
    const [name = '', value] = line.split('=')
    const names = name.split('/').map((part) => Buffer.from(part))
    const sequence = value === undefined ? 0n : undefined
    yield { path: names.slice(0, -1), key: names.at(-1)!, value: value === undefined ? undefined : Buffer.from(value), sequence }
  }
}

async function edited(lines: readonly string[], edits: Record<string, BucketEdit>): Promise<[string[], string[]]> {
  const seen: string[] = []
  const out: string[] = []
  const items = editedItems(itemsOf(lines), new Map(Object.entries(edits)), (bucket, { key }) => void seen.push(`${bucket}/${text(key)}`))
  for await (const { path, key, value } of items) out.push('/'.repeat(path.length) + text(key) + (value ? `=${text(value)}` : ''))
  return [out, seen]
}

const before = ['b', 'b/x=1', 'b/y=2', 'd', 'd/k=1', 'd/n', 'd/n/deep=1', 'd/z=9']

test('without edits everything passes and is seen', async (t) => {
  const [out, seen] = await edited(before, {})
  t.same(out, ['b', '/x=1', '/y=2', 'd', '/k=1', '/n', '//deep=1', '/z=9'])
  t.same(seen, ['b/x', 'b/y', 'd/k', 'd/n', 'd/deep', 'd/z'])
})

test('rows are put where they belong and replace those of the same key', async (t) => {
  const rows = () => [row('a', 'new'), row('k', 'new'), row('m', 'new'), row('z', 'new'), row('zz', 'new')]
  const [out, seen] = await edited(before, { d: { rows } })
  t.same(out.slice(3), ['d', '/a=new', '/k=new', '/m=new', '/n', '//deep=1', '/z=new', '/zz=new'])
  t.ok(seen.includes('d/z'), 'what is replaced is seen')
})

test('rows go away, all or by name, and others come in their place', async (t) => {
  t.same((await edited(before, { d: { drop: 'all', rows: () => [row('q', 'new')] } }))[0].slice(3), ['d', '/q=new'])
  t.same((await edited(before, { b: { drop: new Set(['x', 'no']) } }))[0].slice(0, 2), ['b', '/y=2'])
})

test('buckets that are not there are made, in their place', async (t) => {
  const edit = { drop: 'all', rows: () => [row('r', '1')] } as const
  const [out] = await edited(before, { a: edit, c: edit, e: edit })
  t.same(
    out.filter((line) => !line.startsWith('//')),
    ['a', '/r=1', 'b', '/x=1', '/y=2', 'c', '/r=1', 'd', '/k=1', '/n', '/z=9', 'e', '/r=1'],
  )
  t.same((await edited([], { a: edit }))[0], ['a', '/r=1'])
})

test('last rows are asked for when all others have been seen', async (t) => {
  let seenBefore = 0
  const items = editedItems(itemsOf(before), new Map([['b', { lastRows: () => [row('z', String(seenBefore))] }]]), () => void seenBefore++)
  const out: string[] = []
  for await (const { key, value } of items) out.push(text(key) + (value ? `=${text(value)}` : ''))
  t.same(out.slice(0, 5), ['b', 'x=1', 'y=2', 'z=2', 'd'])
})
