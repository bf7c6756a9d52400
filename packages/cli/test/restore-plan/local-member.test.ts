import { test } from 'tap'
import { localMember } from '../../src/restore-plan/local-member.ts'
import { kubeadm, planned, units } from './planned.ts'

const { members } = planned(kubeadm)
const host = (name: string, ...addresses: string[]) => ({ name, addresses: ['127.0.0.1', '::1', ...addresses] })

test('this host is found by its name, its short name, or its address', async (t) => {
  t.equal(localMember(members, undefined, host('CP2')).name, 'cp2')
  t.equal(localMember(members, undefined, host('cp2.example')).name, 'cp2')
  t.equal(localMember(members, undefined, host('elsewhere', '10.0.0.13')).name, 'cp3')
  t.equal(localMember(planned(units).members, undefined, host('b')).name, 'b')
})

test('a name that is given wins', async (t) => {
  t.equal(localMember(members, 'cp1', host('cp2')).name, 'cp1')
  t.throws(() => localMember(members, 'cp9', host('cp2')), { code: 'KPIPE_USAGE', message: /no member cp9; its members are cp1, cp2, cp3/ })
})

test('a host that fits none or several is refused', async (t) => {
  t.throws(() => localMember(members, undefined, host('elsewhere')), { code: 'KPIPE_USAGE', message: /elsewhere, is none of the plan's/ })
  const loopback = planned({ members: [1, 2].map((n) => ({ name: `m${n}`, peerUrls: `http://127.0.0.1:238${n}` })) })
  t.throws(() => localMember(loopback.members, undefined, host('here')), {
    code: 'KPIPE_USAGE',
    message: /fits several members of the plan: m1, m2/,
  })
})
