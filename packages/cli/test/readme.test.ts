import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exitCodes } from '@kpipe/engine/contracts'
import { test } from 'tap'
import { commandTable } from '../src/command-table.ts'
import { workplace } from './support/workplace.ts'

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8')

test('the README lists every error code with its exit code, and no other', async (t) => {
  const listed = [...readme.matchAll(/^\| (\d+) +\|[^|]*\|([^|]*)\|$/gm)].flatMap(([, exit, codes]) =>
    [...codes.matchAll(/KPIPE_\w+/g)].map(([code]) => [code, Number(exit)] as const),
  )
  t.same(Object.fromEntries(listed), exitCodes)
})

test('the README names every command', async (t) => {
  for (const name of Object.keys(commandTable)) t.match(readme, `\`kpipe ${name}`)
})

test('what the README adds to a pipeline file is accepted', async (t) => {
  const blocks = [...readme.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, block]) => block)
  t.ok(blocks.length > 0)
  for (const block of blocks) {
    const place = workplace(t)
    appendFileSync(place.at('backup.yaml'), block)
    t.match(JSON.parse((await place.kpipe(['lint', '--json'])).stdout), { errors: 0 }, block)
  }
})
