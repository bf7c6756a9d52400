import { writeFileSync } from 'node:fs'
import { zstdDecompressSync } from 'node:zlib'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { filePages, openBolt, type Pages, walk } from '../packages/bolt/src/index.ts'
import { sealedReader, stageLoader, startWorkers, useStage } from '../packages/engine/src/index.ts'
import type { CodecStage, HashStage, StoreStage } from '../packages/engine/src/contracts/index.ts'
import { openRepository, readKeyFile } from '../packages/repository/src/index.ts'
import { emptyPlace } from './support/place.ts'

t.test('the pages of a sealed snapshot give the same tree as those of the file', async (t) => {
  const place = emptyPlace(t)
  place.pipeline('{ use: file, with: { path: ./snapshot.db } }')
  await place.kpipe(['init', 'backup.yaml', '--no-recovery-phrase'])
  for (const hour of ['hour-00', 'hour-01']) {
    writeFileSync(place.at('snapshot.db'), zstdDecompressSync(readFileSync(`test/fixtures/k8s-small/${hour}.db.zst`)))
    t.equal((await place.kpipe(['run', 'backup.yaml'])).code, 0)
  }

  const loader = stageLoader({ resolveOwn: (specifier) => import.meta.resolve(specifier) })
  const storeStage = (await useStage(loader, 'store', 'store-fs', { path: place.at('repository') }, place.folder))
    .stage as StoreStage<unknown>
  const store = await storeStage.open({ path: place.at('repository') }, { signal: new AbortController().signal })
  const repository = await openRepository({ store, secret: await readKeyFile(place.at('repository.key')), warn: t.comment })
  const stream = await repository.openStream(repository.find('latest'))
  const workers = startWorkers({ threads: 2 })
  t.after(() => workers.close())
  const hash = (await useStage(loader, 'hash', 'hash', {}, place.folder)) as Awaited<ReturnType<typeof useStage>> & { stage: HashStage }
  const codec = async ({ stage, settings }: { stage: string; settings: object }) =>
    (await useStage(loader, 'codec', stage, settings, place.folder)) as Awaited<ReturnType<typeof useStage>> & { stage: CodecStage }
  let loads = 0
  const counted = { ...stream, load: (frame: number) => (loads++, stream.load(frame)) }
  const reader = sealedReader({ stream: counted, hash, codec, workers, cacheBytes: 8 * 1024 * 1024 })

  const file = await filePages(place.at('snapshot.db'))
  t.after(() => file.close())
  const sealed: Pages = {
    bytes: file.bytes,
    pageBytes: stream.pageBytes,
    read: (page, count) => reader.read(page * stream.pageBytes, count * stream.pageBytes),
  }
  t.equal(stream.pageBytes, file.pageBytes)
  const fromFile = walk(await openBolt(file))
  let items = 0
  for await (const item of walk(await openBolt(sealed))) {
    const expected = (await fromFile.next()).value!
    if (Buffer.compare(item.key, expected.key) !== 0 || Buffer.compare(item.value ?? item.key, expected.value ?? expected.key) !== 0) {
      t.fail(`item ${items} differs`)
      break
    }
    items++
  }
  t.equal((await fromFile.next()).done, true)
  t.ok(items > 1200, `${items} items were compared`)
  t.ok(loads > 1, `${loads} frames were read`)
})
