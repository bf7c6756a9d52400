import { test } from 'tap'
import { listMembers } from '../../src/members/list-members.ts'

test('a data directory has no members', async (t) => {
  const { signal } = new AbortController()
  await t.rejects(listMembers({ dataDir: '/var/lib/etcd' } as never, { signal, warn: () => t.fail('nothing to warn of') }), {
    code: 'KPIPE_PIPELINE_INVALID',
    message: 'the source is a data directory, which has no members to ask',
  })
})
