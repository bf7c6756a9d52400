import { test } from 'tap'
import { argumentsOf, shellCommands } from '../../src/discover/shell-words.ts'

const variables = new Map([
  ['IP', '10.0.0.1'],
  ['A_B', 'two words'],
])
const commands = (script: string) => shellCommands(script, variables)

test('quotes, backslashes, comments and separators are read as a shell reads them', async (t) => {
  t.same(commands(`a 'b c' "d 'e'" f\\ g # h\n i'j'"k" && l;m|n`), [['a', 'b c', "d 'e'", 'f g'], ['ijk'], ['l'], ['m'], ['n']])
  t.same(commands('etcd \\\n  --a=1 \\\n  --b'), [['etcd', '--a=1', '--b']])
  t.same(commands(`x "a\\"b\\n" '' ""`), [['x', 'a"b\\n', '', '']])
  t.same(commands('x a#b'), [['x', 'a#b']])
  t.same(commands(''), [])
})

test('variables that are known are filled in, and what only a shell can tell stays', async (t) => {
  t.same(commands('x $IP:1 ${IP}:2 "$A_B" \'$IP\' $NOT ${NOT} ${NOT:-no} ${IP:-no} $(nproc --all) "$(hostname -i)" $'), [
    ['x', '10.0.0.1:1', '10.0.0.1:2', 'two words', '$IP', '$NOT', '${NOT}', 'no', '10.0.0.1', '$(nproc --all)', '$(hostname -i)', '$'],
  ])
  t.same(commands('$(unfinished'), [['$(unfinished']])
  t.same(commands('${unfinished'), [['${unfinished']])
})

test('etcd is found by name or path, alone, behind others, and in the script of a shell', async (t) => {
  const found = (...words: string[]) => argumentsOf('etcd', words, variables)
  t.same(found('/usr/bin/etcd', '--name', 'a')?.args, ['--name', 'a'])
  t.same(found('etcd')?.args, [])
  t.same(found('/bin/bash', '-ec', 'mkdir -p etcd data; exec nice -n -19 /opt/etcd --name=$IP || true')?.args, ['--name=10.0.0.1'])
  t.same(found('sh', '-c', 'GOMAXPROCS=$(nproc) ETCD_NAME=b etcd --x'), {
    args: ['--x'],
    assigned: [
      ['GOMAXPROCS', '$(nproc)'],
      ['ETCD_NAME', 'b'],
    ],
  })
  for (const words of [['etcdctl', '--name'], ['sh', '-c', 'echo etcd is up'], ['sh', '-c'], [], ['cat', 'etcd', 'file']])
    t.equal(found(...words), undefined, words.join(' '))
})
