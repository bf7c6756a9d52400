import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'tap'
import { told } from '../support/failing.ts'
import { emptyPlace, filesUnder, type Place } from '../support/place.ts'

/** A store in files, as somebody may write one; `create` is what is wrong with it. */
function storeStage(create: string): string {
  return `import fs from 'node:fs'
import { join, dirname } from 'node:path'
const later = () => new Promise((resolve) => setImmediate(resolve))
export default {
  kind: 'store', summary: 'files', settings: { type: 'object', properties: { path: { type: 'string', description: 'where', format: 'path' } }, additionalProperties: false },
  open: async ({ path }) => {
    const at = (name) => join(path, name)
    const put = (name, parts) => { fs.mkdirSync(dirname(at(name)), { recursive: true }); fs.writeFileSync(at(name), Buffer.concat(parts)) }
    const read = async (name, range) => {
      if (!fs.existsSync(at(name))) return undefined
      const bytes = new Uint8Array(fs.readFileSync(at(name)))
      return range ? bytes.slice(range.offset, range.offset + range.length) : bytes
    }
    return {
      location: path,
      read,
      create: async (name, parts) => { ${create} },
      remove: async (name) => fs.rmSync(at(name), { force: true }),
      async *list(prefix) {
        if (!fs.existsSync(path)) return
        for (const name of fs.readdirSync(path, { recursive: true }).sort())
          if (name.startsWith(prefix) && fs.statSync(at(name)).isFile()) yield { name, bytes: fs.statSync(at(name)).size }
      },
    }
  },
}
`
}

function withStore(at: Place, create: string): void {
  writeFileSync(at.at('store.mjs'), storeStage(create))
  writeFileSync(
    at.at('backup.yaml'),
    'source: { use: file, with: { path: ./input } }\nstore: { use: ./store.mjs, with: { path: ./repository } }\nkey: { file: ./repository.key }\n',
  )
}

const hint = /Put the repository on a file system/

for (const [what, create, says] of [
  ['overwrites', "put(name, parts); return 'created'", /are told that it is theirs, so two backups could take one place/],
  [
    'looks first, and then overwrites',
    "if (fs.existsSync(at(name))) return 'exists'; await later(); put(name, parts); return 'created'",
    /of 8 that create .* at once, 8 are told that it is theirs/,
  ],
  [
    'overwrites, and says that it did not',
    "const was = fs.existsSync(at(name)); put(name, parts); return was ? 'exists' : 'created'",
    /does not hold what was written to it/,
  ],
  [
    'forgets that a reply may be lost',
    "if (fs.existsSync(at(name))) return 'exists'; put(name, parts); return 'created'",
    /with the bytes that it has is said to be another object/,
  ],
] as const)
  test(`a store that ${what} is refused at init with the reason, and nothing is made`, async (t) => {
    const at = emptyPlace(t)
    withStore(at, create)
    const ended = await at.kpipe(['init', '--recovery-phrase-file', 'phrase.txt'])
    told(t, ended, { code: 'KPIPE_STORE_UNSUITABLE', says: [says, at.at('repository')], hint })
    t.same(filesUnder(at.at('repository')), [])
    for (const name of ['repository.key', 'phrase.txt']) t.notOk(existsSync(at.at(name)), name)
  })

test('the same store, when it keeps the promises, is taken', async (t) => {
  const at = emptyPlace(t)
  const same = "Buffer.concat(parts).equals(fs.readFileSync(at(name))) ? 'created' : 'exists'"
  withStore(at, `if (fs.existsSync(at(name))) return ${same}; put(name, parts); return 'created'`)
  writeFileSync(at.at('input'), 'some bytes')
  const ended = await at.kpipe(['init', '--no-recovery-phrase'])
  t.equal(ended.code, 0, ended.stderr)
  t.equal((await at.kpipe(['run', '-q'])).code, 0)
  t.equal((await at.kpipe(['restore', 'latest', '--to', 'out'])).code, 0)
  t.equal(readFileSync(at.at('out'), 'utf8'), 'some bytes')
  t.same(
    filesUnder(at.at('repository')).filter((name) => name.includes('probe')),
    [],
  )
})

test('a directory on a file system without hard links is refused at init with the reason', async (t) => {
  const at = emptyPlace(t)
  at.pipeline('{ use: file, with: { path: ./input } }')
  const preload = pathToFileURL(join(import.meta.dirname, '../support/no-links.mjs')).href
  const notes = at.at('home/links')
  const ended = await at.kpipe(['init', '--recovery-phrase-file', 'phrase.txt'], {
    nodeArguments: [`--import=${preload}`],
    env: { KPIPE_TEST_FAULT_NOTES: notes },
  })
  told(t, ended, {
    code: 'KPIPE_STORE_UNSUITABLE',
    says: [at.at('repository'), 'file system without hard links (link: EPERM)', 'to create each object exactly once'],
    hint,
  })
  t.ok(readFileSync(notes, 'utf8').includes('repository/tmp-probe-'), 'the fault was met')
  t.same(filesUnder(at.at('repository')), [])
  for (const name of ['repository.key', 'phrase.txt']) t.notOk(existsSync(at.at(name)), name)
})
