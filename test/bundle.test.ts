import { cpSync, existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'tap'
import { bundle } from '../scripts/build/bundle.ts'
import { testFolder } from './support/folder.ts'
import { shortTour } from './support/installed.ts'

test('the bundle runs from one folder, with its workers and stages, and without node_modules', async (t) => {
  const folder = testFolder(t)
  await bundle(join(folder, 'made'))
  const moved = join(folder, 'elsewhere')
  cpSync(join(folder, 'made'), moved, { recursive: true })
  for (let at = moved; at !== dirname(at); at = dirname(at)) t.notOk(existsSync(join(at, 'node_modules')), `${at} has no node_modules`)
  for (const node of [26, 24] as const) {
    await t.test(`on Node ${node}`, (t) => shortTour(t, node, join(moved, 'bin/kpipe.js'), join(folder, `tour-${node}`)))
  }
})
