import { KpipeError } from '@kpipe/engine/contracts'
import type { SourceMember, SourceMembers } from '@kpipe/engine/contracts'
import { test } from 'tap'
import { askCluster } from '../../src/discover/ask-cluster.ts'

const { signal } = new AbortController()
const said = (...values: string[]) => values.map((value) => ({ value, from: 'found' }))
const unknown = { version: undefined, size: undefined, inUse: undefined, leader: undefined, learner: undefined, lag: undefined }
const member = (name: string, more: Partial<SourceMember>): SourceMember => ({
  ...unknown,
  id: name,
  name,
  endpoint: undefined,
  errors: [],
  ...more,
})

/** A cluster that answers so, and notes where it was called. */
function cluster(answer: (endpoints: readonly string[]) => SourceMembers) {
  const called: (readonly string[])[] = []
  const stage = { members: async ({ endpoints }: { endpoints: string[] }) => (called.push(endpoints), answer(endpoints)) }
  const load = async (endpoints: readonly string[]) => ({ stage, settings: { endpoints } }) as never
  return { called, load }
}

test('members that no address led to are called where they tell clients to find them', async (t) => {
  const { called, load } = cluster((endpoints) => ({
    quorum: 'held',
    members: [
      member('a', { endpoint: '127.0.0.1:2379', version: '3.6.0', addresses: ['https://10.0.0.1:2379'] }),
      member('b', { addresses: ['unix://b', 'http://localhost:2379', 'http://10.0.0.2:2380', 'https://10.0.0.2:2379'], ...(endpoints.length > 2 && { version: '3.6.0' }) }), // prettier-ignore
      member('c', { addresses: ['http://localhost:2379'] }),
    ],
  }))
  const { connection, endpoints } = await askCluster(said('https://127.0.0.1:2379', 'https://10.0.0.1:2379'), load, signal)
  t.same(endpoints, [
    { value: 'https://127.0.0.1:2379', from: 'found' },
    { value: 'https://10.0.0.2:2379', from: 'b, by the list of members' },
    { value: 'http://localhost:2379', from: 'c, by the list of members' },
  ])
  t.same(called, [
    ['https://127.0.0.1:2379', 'https://10.0.0.1:2379'],
    ['https://127.0.0.1:2379', 'https://10.0.0.2:2379', 'http://localhost:2379'],
  ])
  t.match(connection, { state: 'works', warnings: [] })
})

test('from afar, loopback of a member is no address', async (t) => {
  const { load } = cluster(() => ({
    quorum: 'held',
    members: [
      member('a', { endpoint: '10.0.0.1:2379', version: '3.6.0' }),
      member('b', { addresses: ['http://localhost:2379'], errors: ['no endpoint that answers leads to it'] }),
    ],
  }))
  const { connection, endpoints } = await askCluster(said('https://10.0.0.1:2379'), load, signal)
  t.same(endpoints, said('https://10.0.0.1:2379'))
  t.match(connection, {
    warnings: ['member b tells no address that leads to it from here', 'member b: no endpoint that answers leads to it'],
  })
})

test('without a leader the cluster is asked once', async (t) => {
  const { called, load } = cluster(() => ({
    quorum: 'lost',
    members: [member('a', { endpoint: 'a:1', version: '3.6.0' }), member('b', { addresses: ['https://b:1'] })],
  }))
  t.same((await askCluster(said('https://a:1'), load, signal)).endpoints.length, 2)
  t.equal(called.length, 1)
})

test('a cluster that says nothing of itself gives no addresses, and one that fails says why', async (t) => {
  const errors = ['the state of the member is not known: authentication is on, and no user was given']
  const silent = cluster(() => ({
    quorum: 'unknown',
    members: [{ ...member('', { endpoint: 'a:1', errors }), id: undefined, name: undefined }],
  }))
  t.match(await askCluster(said('https://a:1'), silent.load, signal), {
    endpoints: [],
    connection: { state: 'works', warnings: [`member at a:1: ${errors[0]}`] },
  })
  const failing = cluster(() => {
    throw new KpipeError('KPIPE_SOURCE_UNREACHABLE', 'nobody is there')
  })
  t.match(await askCluster(said('https://a:1'), failing.load, signal), {
    endpoints: [],
    connection: { state: 'fails', error: { message: 'nobody is there' } },
  })
  const broken = cluster(() => {
    throw new TypeError('a fault of ours')
  })
  await t.rejects(askCluster(said('https://a:1'), broken.load, signal), TypeError)
})
