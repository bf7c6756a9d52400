import { test } from 'tap'
import { restoreTarget } from '../../src/restore/restore-target.ts'

test('a file is a file, and the words say it again', async (t) => {
  t.match(restoreTarget({ to: '/a/b' }), { use: 'file', settings: { path: '/a/b' }, path: '/a/b', words: ['--to', '/a/b'] })
  t.match(restoreTarget({ to: '-' }), { settings: { path: '-' } })
})

test('flags of etcdutl become settings, and the words say the same again', async (t) => {
  const flags = {
    'data-dir': 'd',
    'wal-dir': 'w',
    name: 'm1',
    'initial-cluster': 'm1=http://a:1',
    'initial-cluster-token': 'tok',
    'initial-advertise-peer-urls': 'http://a:1',
    'bump-revision': 5,
    'mark-compacted': true,
    'no-bump': false,
  }
  const { use, settings, path, words } = restoreTarget(flags)
  t.same([use, path], ['etcd', 'd'])
  t.match(settings, { dataDir: 'd', walDir: 'w', name: 'm1', initialCluster: 'm1=http://a:1', initialClusterToken: 'tok', bumpRevision: 5 })
  t.notOk('owner' in settings)
  t.equal(words.slice(0, 6).join(' '), '--data-dir d --name m1 --wal-dir w')
  t.ok(words.includes('--mark-compacted') && !words.includes('--no-bump'))
})

test('flags that contradict each other are refused', async (t) => {
  const refused: [Parameters<typeof restoreTarget>[0], RegExp][] = [
    [{}, /missing required flag to, or data-dir/],
    [{ to: 'a', 'data-dir': 'b' }, /both/],
    [{ to: 'a', 'wal-dir': 'b' }, /--wal-dir goes with --data-dir/],
    [{ to: 'a', force: true }, /--force goes with --data-dir/],
    [{ to: 'a', 'move-aside': true }, /--move-aside goes with --data-dir/],
    [{ 'data-dir': 'a', 'bump-revision': 5 }, /go together/],
    [{ 'data-dir': 'a', 'mark-compacted': true }, /go together/],
    [{ 'data-dir': 'a', 'bump-revision': 5, 'mark-compacted': true, 'no-bump': true }, /contradict/],
  ]
  for (const [flags, message] of refused) t.throws(() => restoreTarget(flags), { code: 'KPIPE_USAGE', message })
})
