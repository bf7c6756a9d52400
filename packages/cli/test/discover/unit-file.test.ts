import { test } from 'tap'
import { isUnit, serviceSettings } from '../../src/discover/unit-file.ts'

const settings = (...texts: string[]) =>
  serviceSettings(texts.map((text, index) => ({ path: `/${index}`, text }))).map(({ name, value, path }) => `${path} ${name}=${value}`)

test('lines go on after a backslash, comments or not, and sections other than Service do not count', async (t) => {
  t.same(settings('[Unit]\nExecStart=no\n[Service]\nExecStart = a \\\n# comment\n  b\\\n\nType=simple\n[Install]\nType=no\n'), [
    '/0 ExecStart=a b',
    '/0 Type=simple',
  ])
  t.same(settings('[Service]\r\nExecStart=a\r\n'), ['/0 ExecStart=a'])
  t.same(settings('[Service]\nExecStart=a\\'), ['/0 ExecStart=a'])
})

test('an empty value in a drop-in takes back what the unit has', async (t) => {
  t.same(settings('[Service]\nExecStart=a\nEnvironment=X=1', '[Service]\nExecStart=\nExecStart=b\nEnvironment=Y=2'), [
    '/0 Environment=X=1',
    '/1 ExecStart=b',
    '/1 Environment=Y=2',
  ])
})

test('a unit is told from YAML', async (t) => {
  t.ok(isUnit('# x\n[Service]\nExecStart=/bin/etcd\n'))
  t.notOk(isUnit('kind: Pod\nspec: [Service]\n'))
})
