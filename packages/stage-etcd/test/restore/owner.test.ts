import { test } from 'tap'
import { ownerText, readOwner } from '../../src/restore/owner.ts'

test('users and groups are found by name and by number', async (t) => {
  t.same(await readOwner('root:root'), { user: 0, group: 0 })
  t.same(await readOwner('root'), { user: 0, group: 0 }, 'a user brings its own group')
  t.same(await readOwner('0:12345'), { user: 0, group: 12_345 })
  t.same(await readOwner(':0'), { user: process.geteuid!(), group: 0 })
  t.equal(await ownerText({ user: 0, group: 54_321 }), 'root:54321')
})

test('an unknown user or group is refused', async (t) => {
  for (const text of ['no-such-user:root', 'root:no-such-group', '54321', '-1:0'])
    await t.rejects(readOwner(text), { code: 'KPIPE_USAGE' }, text)
})
