import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { ownChild } from '../scripts/children.ts'
import { testFolder } from './support/folder.ts'
import { clone, collect, nodes } from './support/kpipe.ts'
import { homeOf } from './support/place.ts'

/** PATH without the project's own programs: what a stranger has. */
const strangersPath = (process.env.PATH ?? '')
  .split(':')
  .filter((folder) => !folder.includes('node_modules'))
  .join(':')

test('after git clone and npm ci alone, kpipe works from any folder, on the Node it brings', async (t) => {
  const folder = testFolder(t)
  const run = async (command: string, args: readonly string[], cwd: string) => {
    const env = { ...process.env, ...homeOf(join(folder, 'home')), PATH: strangersPath, npm_config_cache: process.env['npm_config_cache'] }
    // What npm caches lies in the home of whoever runs the tests.
    const home = command === 'npm' ? { HOME: process.env.HOME } : {}
    const ended = await collect(
      ownChild('env', ['-u', 'NODE_OPTIONS', command, ...args], { cwd, env: { ...env, ...home }, stdio: ['ignore', 'pipe', 'pipe'] }),
    )
    t.equal(ended.code, 0, `${command} ${args.join(' ')}: ${ended.stderr}`)
    return ended
  }
  mkdirSync(join(folder, 'home'))
  mkdirSync(join(folder, 'elsewhere'))
  await run('git', ['clone', '-q', '--no-hardlinks', clone, 'kpipe'], folder)
  await run('npm', ['ci', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], join(folder, 'kpipe'))

  const kpipe = join(folder, 'kpipe/node_modules/.bin/kpipe')
  const machine = (await run('node', ['--version'], folder)).stdout.trim()
  const onMachine = Number.parseInt(machine.slice(1), 10) >= 24 ? machine : 'v26.'
  const { stdout } = await run(kpipe, ['--version'], join(folder, 'elsewhere'))
  t.ok(stdout.includes(`(node ${onMachine}`), `the machine has node ${machine}: ${stdout}`)
  t.match((await run('node_modules/.bin/node', ['--version'], join(folder, 'kpipe'))).stdout, /^v26\./)
  t.match((await run(nodes[24].replace(clone, `${folder}/kpipe/`), [kpipe, '--version'], folder)).stdout, /\(node v24\./)

  mkdirSync(join(folder, 'pipelines'))
  writeFileSync(join(folder, 'pipelines/input'), 'some bytes')
  writeFileSync(
    join(folder, 'pipelines/file.yaml'),
    'source: { use: file, with: { path: ./input } }\nstore: { use: store-fs, with: { path: ./repository } }\nkey: { file: ./repository.key }\n',
  )
  const elsewhere = join(folder, 'elsewhere')
  await run(kpipe, ['init', '-c', '../pipelines/file.yaml', '--no-recovery-phrase'], elsewhere)
  await run(kpipe, ['run', '../pipelines/file.yaml'], elsewhere)
  await run(kpipe, ['restore', 'latest', '-c', '../pipelines/file.yaml', '-to', './restored'], elsewhere)
  await run('cmp', ['restored', '../pipelines/input'], elsewhere)
})
