import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { hash } from '../src/hash.ts'

test('algorithms name themselves', async (t) => {
  for (const algorithm of ['sha256', 'blake3'] as const) t.equal((await hash.open({ algorithm })).algorithm, algorithm)
})

test('algorithms make different tags', async (t) => {
  const key = randomBytes(64)
  const tagOf = async (algorithm: 'sha256' | 'blake3') => {
    const tag = new Uint8Array(16)
    const tagger = await hash.open({ algorithm })
    tagger.tags(Buffer.from('x'), Uint32Array.of(1), key, tag)
    return Buffer.from(tag)
  }
  t.notSame(await tagOf('sha256'), await tagOf('blake3'))
})
