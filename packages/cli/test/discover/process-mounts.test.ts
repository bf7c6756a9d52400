import { test } from 'tap'
import { throughMounts } from '../../src/discover/host-paths.ts'
import { sharedMounts } from '../../src/discover/process-mounts.ts'

test('folders of a container are found by the file system that both have mounted', async (t) => {
  // Written by hand, after /proc/<pid>/mountinfo of a container with overlayfs and three folders of its host.
  const theirs = `700 600 0:70 / / rw,relatime master:1 - overlay overlay rw
701 700 8:1 /var/lib/etcd /var/lib/etcd rw - ext4 /dev/sda1 rw
702 700 8:1 /etc/kubernetes/my\\040pki /pki ro - ext4 /dev/sda1 rw
703 700 8:17 /etcd /data rw - xfs /dev/sdb1 rw
704 700 0:81 / /dev/shm rw - tmpfs shm rw
`
  const own = `25 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
26 25 8:17 / /mnt/fast rw - xfs /dev/sdb1 rw
`
  const mounts = sharedMounts(theirs, own)
  t.equal(throughMounts(mounts, '/var/lib/etcd/member'), '/var/lib/etcd/member')
  t.equal(throughMounts(mounts, '/pki/ca.crt'), '/etc/kubernetes/my pki/ca.crt')
  t.equal(throughMounts(mounts, '/data/member'), '/mnt/fast/etcd/member')
  t.equal(throughMounts(mounts, '/dev/shm/x'), undefined)
  t.equal(throughMounts(mounts, '/etc/passwd'), undefined, 'what is only in the image is nowhere on the host')
})
