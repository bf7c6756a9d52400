import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { testFolder } from '../support/folder.ts'
import { secretSearch } from '../support/secret-search.ts'

const secret = 'CANARY/4fa1~0d77+92bc'
const search = secretSearch({ canary: secret, key: Buffer.from('00ff10aa55cc3377', 'hex') })

test('a planted secret is found in every form, at every place', async (t) => {
  const forms: Record<string, (text: string) => Buffer> = {
    'plain bytes': (text) => Buffer.from(text),
    'bytes in reverse': (text) => Buffer.from(Buffer.from(text).toReversed()),
    hex: (text) => Buffer.from(Buffer.from(text).toString('hex')),
    'upper hex': (text) => Buffer.from(Buffer.from(text).toString('hex').toUpperCase()),
    'UTF-16': (text) => Buffer.from(text, 'utf16le'),
    'JSON of a buffer': (text) => Buffer.from(JSON.stringify(Buffer.from(text))),
    base64: (text) => Buffer.from(Buffer.from(text).toString('base64')),
    base64url: (text) => Buffer.from(Buffer.from(text).toString('base64url')),
  }
  for (const [form, write] of Object.entries(forms)) {
    for (const before of ['', 'a', 'ab', 'abc', 'x'.repeat(1000)]) {
      const written = Buffer.concat([randomBytes(10), write(`${before}${secret}and more`)])
      t.ok(
        search.inBytes(written).some((found) => found.startsWith('canary as')),
        `${form} behind ${before.length} bytes`,
      )
      for (const [format, compress] of [
        ['zstd', zstdCompressSync],
        ['gzip', gzipSync],
        ['zlib', deflateSync],
      ] as const) {
        // Digits compress to half, so nothing of it stands there as it is.
        const digits = () => Buffer.from(randomBytes(20_000).toString('hex'))
        const packed = compress(Buffer.concat([digits(), written, digits()]))
        t.notOk(packed.includes(write(secret)), 'it does not stand there as it is')
        const inside = Buffer.concat([randomBytes(3000), packed, randomBytes(3000)])
        t.ok(
          search.inBytes(inside).some((found) => found.endsWith(`in ${format}`)),
          `${form} in ${format}`,
        )
      }
    }
  }
  t.same(search.inBytes(Buffer.from('..00ff10aa55cc3377..')), ['key as hex'])
  t.same(search.inBytes(Buffer.concat([Buffer.alloc(3), Buffer.from('00ff10aa55cc3377', 'hex')])), ['key as plain bytes'])
})

test('what was cut off in the middle of being compressed is found as well', async (t) => {
  const plain = Buffer.concat([Buffer.from(secret), randomBytes(400_000)])
  for (const compress of [zstdCompressSync, gzipSync, deflateSync]) {
    const packed = compress(plain)
    t.ok(search.inBytes(packed.subarray(0, packed.length >> 1)).length > 0, compress.name)
  }
})

test('it is found in files and in their names, in folders and hidden ones, and nowhere else', async (t) => {
  const folder = testFolder(t)
  mkdirSync(join(folder, 'a/.hidden'), { recursive: true })
  writeFileSync(join(folder, 'a/.hidden/file'), `x${secret}`)
  writeFileSync(join(folder, 'a/noise'), randomBytes(1 << 20))
  writeFileSync(join(folder, `00ff10aa55cc3377.txt`), '')
  t.same(search.inFiles(folder), ['key as hex in the name 00ff10aa55cc3377.txt', 'canary as plain bytes in a/.hidden/file'])
  t.same(search.inFiles(folder, ['a/.hidden/file', '00ff10aa55cc3377.txt']), [])
})
