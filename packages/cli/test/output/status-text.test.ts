import { test } from 'tap'
import { statusText } from '../../src/output/status-text.ts'

const status = { hash: 628015055, revision: 142, totalKey: 31, totalSize: 73728, version: '3.6.0' }

test('each format is that of etcdutl 3.6', async (t) => {
  t.equal(await statusText(status, 'simple'), '256ebfcf, 142, 31, 74 kB, 3.6.0\n')
  t.equal(await statusText(status, 'json'), '{"hash":628015055,"revision":142,"totalKey":31,"totalSize":73728,"version":"3.6.0"}\n')
  t.equal(await statusText(status, 'fields'), '"Hash" : 628015055\n"Revision" : 142\n"Keys" : 31\n"Size" : 73728\n"Version" : 3.6.0\n')
  t.equal(
    await statusText(status, 'table'),
    [
      '+----------+----------+------------+------------+---------+',
      '|   HASH   | REVISION | TOTAL KEYS | TOTAL SIZE | VERSION |',
      '+----------+----------+------------+------------+---------+',
      '| 256ebfcf |      142 |         31 |      74 kB |   3.6.0 |',
      '+----------+----------+------------+------------+---------+',
      '',
    ].join('\n'),
  )
})

test('the order of JSON does not depend on where the numbers come from', async (t) => {
  const { version, totalSize, totalKey, revision, hash } = status
  t.equal(await statusText({ version, totalSize, totalKey, revision, hash }, 'json'), await statusText(status, 'json'))
})

test('a short hash is not padded, and a database may name no version', async (t) => {
  t.equal(await statusText({ ...status, hash: 0xabc, version: '' }, 'simple'), 'abc, 142, 31, 74 kB, \n')
  t.match(await statusText({ ...status, version: '' }, 'fields'), /"Version" : \n$/)
  t.match(await statusText({ ...status, hash: 0xabc, version: '' }, 'table'), /\n\| {2}abc \| {6}142 \|/)
})
