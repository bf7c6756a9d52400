import { readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'tap'
import { ownChild } from '../../scripts/children.ts'
import { getPython } from '../../scripts/python/get-python.ts'
import { testFolder } from '../../test/support/folder.ts'
import { clone, collect, nodes } from '../../test/support/kpipe.ts'

const getter = join(clone, 'scripts/python/get-python.ts')

test('Python is found with the packages of the second reader, or they are got', async (t) => {
  const python = await getPython()
  const { stdout } = await collect(
    ownChild(python.program, ['-c', 'import cryptography, zstandard; print(zstandard.__version__)'], {
      env: { PATH: process.env.PATH, ...python.env },
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  t.equal(stdout, '0.25.0\n')
  t.same(await getPython(), python, 'asked again, it is the same one')
})

test('two that install the packages at once do not collide, and what was half installed is not taken for good', async (t) => {
  const cacheFolder = testFolder(t)
  const [one, other] = await Promise.all([getPython({ cacheFolder }), getPython({ cacheFolder })])
  t.same(one, other)
  const folder = one.env['PYTHONPATH']!
  t.same(readdirSync(cacheFolder), [basename(folder)], 'nothing half-made stays in the cache')

  rmSync(join(folder, 'zstandard'), { recursive: true })
  let installs = 0
  t.same(await getPython({ cacheFolder, log: () => installs++ }), one)
  t.equal(installs, 1)
  t.same(await getPython({ cacheFolder, log: () => installs++ }), one)
  t.equal(installs, 1, 'and this one was whole')
})

test('without Python one sentence says so', async (t) => {
  const empty = testFolder(t)
  const script = `
    const { getPython } = await import(${JSON.stringify(getter)})
    await getPython({ cacheFolder: ${JSON.stringify(empty)} }).catch((error) => console.log(error.message))`
  const { stdout, code } = await collect(
    ownChild(nodes[26], ['--input-type=module', '-e', script], { env: { PATH: empty }, stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  t.equal(code, 0)
  t.equal(stdout, 'no Python can be had (python3 was not found)\n')
})
