import { test } from 'tap'
import { podsIn } from '../../src/discover/pods.ts'
import { fixture } from './host-with.ts'

test('variables of a pod are filled in, also what Kubernetes says of it', async (t) => {
  const [pod, other] = podsIn(fixture('pod-list.yaml'))
  t.match(pod, { name: 'etcd-cp-1', node: 'cp-1', containers: [{ name: 'etcd' }] })
  t.ok(pod!.containers[0]!.words.includes('--listen-client-urls=https://127.0.0.1:2379,https://10.0.0.11:2379'))
  t.same(pod!.containers[0]!.mounts, [
    { inside: '/pki', outside: '/etc/kubernetes/pki/etcd' },
    { inside: '/data', outside: undefined },
  ])
  t.equal(other!.name, 'etcd-cp-2')
})

test('pods stand alone, in lists, in templates, in JSON, and several in a file', async (t) => {
  const spec = { containers: [{ name: 'c', command: ['etcd'], args: ['$(A)$(B)$$(A)'], env: [{ name: 'A', value: 1 }] }] }
  const template = { kind: 'StatefulSet', metadata: { name: 'set' }, spec: { template: { spec } } }
  const pod = { kind: 'Pod', metadata: { name: 'pod' }, spec }
  const texts = [JSON.stringify(template), JSON.stringify(pod), JSON.stringify({ items: [pod, pod] })]
  t.same(
    podsIn(texts.join('\n---\n')).map(({ name }) => name),
    ['set', 'pod', 'pod', 'pod'],
  )
  t.same(podsIn(texts[0]!)[0]!.containers[0]!.words, ['etcd', '1$(B)$(A)'])
})

test('what is no pod gives none, and what is no YAML is an error', async (t) => {
  for (const text of ['', 'a', '[]', '{}', 'null', 'spec: { containers: 1 }', 'spec:\n', '- a', 'kind: Pod\nspec: { containers: [ ] }\nitems: 3'])
    t.same(podsIn(text).flatMap(({ containers }) => containers), [], text) // prettier-ignore
  t.throws(() => podsIn('a: [1'), { message: /at line 1, column 6$/ })
  const bomb = `a: &a [x]\n${'bcdefgh'.split('').map((name, at) => `${name}: &${name} [${`*${'abcdefgh'[at]},`.repeat(9)}]`).join('\n')}` // prettier-ignore
  t.throws(() => podsIn(bomb), /alias/i)
})
