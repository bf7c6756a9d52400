import { writeFileSync } from 'node:fs'
import { test } from 'tap'
import { backedUp } from '../support/workplace.ts'

test('status shows the numbers of etcdutl 3.6, computed from the stored bytes', async (t) => {
  const { kpipe, id } = await backedUp(t)
  t.match(await kpipe(['status', 'latest']), { code: 0, stdout: '256ebfcf, 142, 31, 74 kB, 3.6.0\n' })
  t.equal(
    (await kpipe(['status', id.slice(0, 8), '-w', 'json'])).stdout,
    '{"hash":628015055,"revision":142,"totalKey":31,"totalSize":73728,"version":"3.6.0"}\n',
  )
  t.match((await kpipe(['status', 'latest', '--write-out=fields'])).stdout, /^"Hash" : 628015055\n"Revision" : 142\n/)
  t.match((await kpipe(['status', 'latest', '-o', 'table'])).stdout, /\n\| 256ebfcf \| {6}142 \|/)
})

test('status of a snapshot that is no database is a mistake of usage', async (t) => {
  const { kpipe, at } = await backedUp(t)
  writeFileSync(at('snap.db'), 'x')
  t.equal((await kpipe(['run', '-q'])).code, 0)
  t.match(await kpipe(['status', 'latest']), { code: 64, stderr: /holds no etcd database/ })
})
