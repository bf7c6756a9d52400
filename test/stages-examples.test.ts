import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'tap'
import type { Test } from 'tap'
import { codecConformance, sourceConformance, storeConformance } from '../packages/engine/src/testing/index.ts'
import type { ConformanceCase } from '../packages/engine/src/testing/index.ts'
import { testFolder } from './support/folder.ts'
import { clone } from './support/kpipe.ts'
import { emptyPlace, type Place } from './support/place.ts'
import { sftpPassword, sftpServer } from './support/sftp.ts'

const moduleOf = (name: string) => pathToFileURL(join(clone, 'examples', name, 'src/stage.js')).href
const stageOf = async (name: string) => ((await import(moduleOf(name))) as { default: never }).default

async function runAll(t: Test, cases: readonly ConformanceCase[]): Promise<void> {
  t.ok(cases.length > 5)
  for (const { title, run } of cases) await t.test(title, run)
}

/** A place where the example was added from the file that it was packed into. */
async function placeWith(t: Test, name: string): Promise<Place> {
  const place = emptyPlace(t)
  cpSync(join(clone, 'examples/snapshot.db'), place.at('snap.db'))
  const built = await place.kpipe(['stages', 'build', join(clone, 'examples', name)])
  t.equal(built.code, 0, built.stderr)
  const file = built.stdout.trim()
  t.match(file, /kpipe-stage-.*\.tgz$/)
  // What was packed is all that there is: no registry can be asked.
  const env = { npm_config_offline: 'true', npm_config_registry: 'http://127.0.0.1:1/', npm_config_cache: place.at('empty') }
  const added = await place.kpipe(['stages', 'add', file], { env })
  t.equal(added.code, 0, added.stderr)
  return place
}

async function backUpAndRestore(t: Test, place: Place, expected: string): Promise<void> {
  for (const words of [
    ['init', '--no-recovery-phrase', '-q'],
    ['run', '-q'],
    ['run', '-q'],
    ['restore', 'latest', '-to', 'back'],
  ]) {
    const { code, stderr } = await place.kpipe(words)
    t.equal(code, 0, `${words.join(' ')}: ${stderr}`)
  }
  t.ok(place.read('back').equals(place.read(expected)), 'what comes back is what went in')
}

const fileSource = 'source: { use: file, with: { path: ./snap.db } }\nkey: { file: ./repository.key }\n'

test('the example of a codec keeps the promises of codecs', async (t) => runAll(t, codecConformance(await stageOf('stage-brotli'))))

test('the example of a codec works from its package', async (t) => {
  const place = await placeWith(t, 'stage-brotli')
  const stages = '[{ use: chunk }, { use: hash }, { use: brotli, with: { quality: 3 } }, { use: seal }]'
  writeFileSync(place.at('backup.yaml'), `${fileSource}store: { use: store-fs, with: { path: ./repository } }\nstages: ${stages}\n`)
  await backUpAndRestore(t, place, 'snap.db')
})

/** A folder with files of all lengths, an empty folder and a link. */
function folderToKeep(folder: string): string {
  const path = join(folder, 'kept')
  mkdirSync(join(path, 'inner/empty'), { recursive: true })
  for (const bytes of [0, 1, 511, 512, 513, 200_000])
    writeFileSync(join(path, `inner/file-${bytes}`), Buffer.alloc(bytes, `${bytes} bytes `))
  writeFileSync(join(path, `${'long-name-'.repeat(15)}.txt`), 'long')
  symlinkSync('inner/file-1', join(path, 'link'))
  return path
}

test('the example of a source keeps the promises of sources', async (t) => {
  const stage = await stageOf('stage-tar')
  const path = folderToKeep(testFolder(t))
  const context = { signal: new AbortController().signal, warn: () => undefined, digestSoFar: async () => new Uint8Array(32) }
  const stream = await (stage as { open(settings: object, context: object): Promise<{ read(): AsyncIterable<Uint8Array> }> }).open(
    { path },
    context,
  )
  const pieces: Uint8Array[] = []
  for await (const piece of stream.read()) pieces.push(Uint8Array.from(piece))
  const bytes = Buffer.concat(pieces)
  await runAll(
    t,
    sourceConformance(stage, async () => ({ settings: { path }, bytes })),
  )
})

test('the example of a source works from its package, and its tar can be unpacked', async (t) => {
  const place = await placeWith(t, 'stage-tar')
  const kept = folderToKeep(place.folder)
  place.pipeline('{ use: tar, with: { path: ./kept } }')
  for (const words of [
    ['init', '--no-recovery-phrase', '-q'],
    ['run', '-q'],
    ['restore', 'latest', '-to', 'back.tar'],
  ]) {
    const { code, stderr } = await place.kpipe(words)
    t.equal(code, 0, `${words.join(' ')}: ${stderr}`)
  }
  mkdirSync(place.at('unpacked'))
  execFileSync('tar', ['-xf', place.at('back.tar'), '-C', place.at('unpacked')])
  t.equal(execFileSync('diff', ['-r', kept, place.at('unpacked')]).toString(), '')
  t.equal(readFileSync(place.at('unpacked/link'), 'utf8'), '1')
})

test('the example of a store keeps the promises of stores, on a real server', async (t) => {
  const folder = testFolder(t)
  const server = await sftpServer(t, folder, folder)
  const place = async () => ({ settings: { ...server, path: mkdtempSync(join(folder, 'store-')) } })
  await runAll(t, storeConformance(await stageOf('stage-store-sftp'), place, { module: moduleOf('stage-store-sftp') }))
})

test('the example of a store works from its package, with a key and with a password', async (t) => {
  const place = await placeWith(t, 'stage-store-sftp')
  mkdirSync(place.at('served'))
  const server = await sftpServer(t, place.folder, place.at('served'))
  const withKey = { ...server, path: 'repository' }
  const write = (settings: object) =>
    writeFileSync(place.at('backup.yaml'), `${fileSource}store: ${JSON.stringify({ use: 'store-sftp', with: settings })}\n`)
  write(withKey)
  await backUpAndRestore(t, place, 'snap.db')

  const { privateKey: _unused, ...withPassword } = withKey
  write({ ...withPassword, password: '${env:SFTP_PASSWORD}' })
  t.match(await place.kpipe(['snapshots', '--json'], { env: { SFTP_PASSWORD: sftpPassword } }), { code: 0 })
  const refused = await place.kpipe(['snapshots'], { env: { SFTP_PASSWORD: 'wrong' } })
  t.match(refused, { code: 75, stderr: /lets nobody in with this key or password/ })
  write({ ...withKey, hostKey: `SHA256:${'A'.repeat(43)}` })
  t.match(await place.kpipe(['snapshots']), { code: 75, stderr: /shows the key SHA256:.*, not SHA256:AAAA/ })
})
