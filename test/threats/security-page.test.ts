import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { filesUnder } from '../support/place.ts'
import { clone } from '../support/kpipe.ts'

const page = readFileSync(join(clone, 'SECURITY.md'), 'utf8')
const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target)

test('what SECURITY.md points to is there, and it names every test of threats', async (t) => {
  for (const target of links) t.ok(existsSync(join(clone, target)), target)
  const aboutTheTests = ['secret-search.test.ts', 'security-page.test.ts']
  const tests = filesUnder(join(clone, 'test/threats')).filter((name) => name.endsWith('.test.ts') && !aboutTheTests.includes(name))
  for (const name of tests) t.ok(links.includes(`test/threats/${name}`), name)
})

test('whoever cannot do something has a test that tries it', async (t) => {
  const rows = page.split('\n').filter((line) => /^\| (?!who |--)/.test(line) && line.split('|').length === 6)
  t.ok(rows.length >= 12, `${rows.length} rows`)
  for (const row of rows) {
    const [, who, , cannot, tried] = row.split('|').map((cell) => cell.trim())
    const isObvious = cannot === '(nothing)' || cannot.includes('256 random bits')
    t.ok(isObvious || /\]\([^)]+\.test\.ts\)/.test(tried), who)
  }
})
