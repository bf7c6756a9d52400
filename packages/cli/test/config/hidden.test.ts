import { test } from 'tap'
import { withoutPassword } from '../../src/config/hidden.ts'

test('a password in an address is hidden, and nothing else', async (t) => {
  t.equal(withoutPassword('etcd://me:secret@host:2379'), 'etcd://me:********@host:2379')
  t.equal(withoutPassword('https://:se@cret@host/a'), 'https://:********@host/a')
  t.equal(withoutPassword('a https://u:p@x and https://v:q@y'), 'a https://u:********@x and https://v:********@y')
  for (const text of ['etcd://host:2379', '10.0.0.1:2379', 'https://host:1/path@x', '/a:b@c', 'me@host'])
    t.equal(withoutPassword(text), text)
})
