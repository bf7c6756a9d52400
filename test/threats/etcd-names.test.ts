import { createHash } from 'node:crypto'
import { test } from 'tap'
import { withEtcd, writeKeys } from '../support/etcd.ts'
import { lastLine, place } from '../support/place.ts'
import { secretSearch } from '../support/secret-search.ts'

test('of a cluster, a store tells neither keys nor values nor who its members are', { timeout: 120_000 }, async (t) => {
  const keys: [string, Buffer][] = Array.from({ length: 200 }, (_, index) => [
    `/registry/secrets/payroll/secret-of-payroll-${index}`,
    Buffer.from(`{"password":"value-of-payroll-${index}"}`.repeat(20)),
  ])
  await withEtcd('3.6', async (etcd) => {
    await writeKeys(etcd.clientUrl, keys)
    const at = await place(t, `{ use: etcd, with: { endpoints: ['${etcd.clientUrl}'] } }`)
    const summaries = [await at.kpipe(['run', '--json']), await at.kpipe(['run', '--json'])].map(lastLine)
    t.match(summaries, [{ trailer_verified: true }, { message_type: 'summary' }])
    const member = String(summaries[0]['member'])
    t.match(member, /^[0-9a-f]{16}$/)
    const secrets = {
      key: 'secret-of-payroll',
      prefix: '/registry/secrets',
      value: 'value-of-payroll',
      member,
      'member as bytes': Buffer.from(member, 'hex'),
      endpoint: etcd.clientUrl.replace('http://', ''),
      snapshot: Buffer.from(String(summaries[0]['snapshot_id']), 'hex'),
      'name of a bucket': 'authRoles',
      'version of etcd': 'etcdserver',
    }
    t.same(secretSearch(secrets).inFiles(at.at('repository')), [])

    // The same search finds all of it in what comes back, so it looks for the right things.
    t.equal((await at.kpipe(['restore', 'latest', '--to', 'out'])).code, 0)
    const found = secretSearch(secrets).inBytes(at.read('out'))
    for (const name of ['key', 'prefix', 'value', 'name of a bucket']) t.ok(found.includes(`${name} as plain bytes`), name)

    // Nor does it tell whether a page is stored, to whom can guess the page: names of chunks are keyed, and sealed.
    const page = at.read('out').subarray(0, 4096)
    const digests = ['sha256', 'sha1', 'md5'].map((algorithm) => createHash(algorithm).update(page).digest().subarray(0, 8))
    const guesses = Object.fromEntries(digests.map((digest, index) => [`digest ${index}`, digest]))
    t.same(secretSearch(guesses).inFiles(at.at('repository')), [])
  })
})
