import { test } from 'tap'
import { throughMounts } from '../../src/discover/host-paths.ts'

test('the mount with the longest prefix counts, and only whole names are a prefix', async (t) => {
  const mounts = [
    { inside: '/etc/kubernetes', outside: '/srv/k8s' },
    { inside: '/etc/kubernetes/pki/etcd', outside: '/srv/certs' },
    { inside: '/etc/kubernetes/secret', outside: undefined },
    { inside: '/ca.crt', outside: '/srv/one-file' },
  ]
  const host = (path: string) => throughMounts(mounts, path)
  t.equal(host('/etc/kubernetes/pki/etcd/ca.crt'), '/srv/certs/ca.crt')
  t.equal(host('/etc/kubernetes/pki/../pki/ca.crt'), '/srv/k8s/pki/ca.crt')
  t.equal(host('/etc/kubernetes'), '/srv/k8s')
  t.equal(host('/etc/kubernetes-other/x'), undefined)
  t.equal(host('/etc/kubernetes/secret/x'), undefined, 'a mount that is none of the host hides what is behind it')
  t.equal(host('/ca.crt'), '/srv/one-file')
  t.equal(host('relative'), undefined)
  t.equal(throughMounts([{ inside: '/', outside: '/rootfs' }], '/var/lib/etcd'), '/rootfs/var/lib/etcd')
})
