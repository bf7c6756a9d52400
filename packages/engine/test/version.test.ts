import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { engineVersion } from '../src/version.ts'

test("the engine knows its package's version", async (t) => {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }
  t.equal(engineVersion, version)
})
