import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'tap'
import * as bounds from '../src/bounds.ts'
import { formatKey } from '../src/keys/key-file.ts'
import { keysInUse } from '../src/head-memory.ts'
import { keyRing } from '../src/keys/key-ring.ts'
import { maxPasswordSlots, maxPasswordWork } from '../src/keys/password.ts'
import { formatRecoveryPhrase } from '../src/keys/recovery-phrase.ts'
import { encodePackNumbers, packNumber } from '../src/log/pack-numbers.ts'
import { encodeMarker } from '../src/marker.ts'
import { noRequirements } from '../src/features.ts'
import { frameBinding } from '../src/packs/frame-binding.ts'
import { unitTag } from '../src/packs/unit-frame.ts'
import { encodeChange, encodeFullPart } from '../src/recipes/part.ts'
import { deriveKey, sealUnit } from '../src/sealed-unit.ts'
import { memoryPlace } from '../src/stream-memory/memory-place.ts'
import { readIndependently } from './independent-reader.ts'
import { keyFile, madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, pageBytes } from './paged-backup.ts'

const text = readFileSync(join(import.meta.dirname, '..', 'FORMAT.md'), 'utf8')

test('the values of FORMAT.md are those of the code', async (t) => {
  const id = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
  const ring = keyRing(id, [{ epoch: 1, m: Buffer.alloc(32, 0x11), d: Buffer.alloc(32, 0x22), tagKey: Buffer.alloc(64, 0x33) }])
  const host = { stateFolder: 'state', ring, warn: () => undefined }
  const stream = { name: 'prod', member: 'm1', chunking: 'page/4096', pageBytes: 4096 }
  const salt = Buffer.alloc(32, 0x44)
  const codecs = [
    { stage: '@kpipe/stage-compress', version: '0.1.0', settings: { level: 3 } },
    { stage: '@kpipe/stage-seal', version: '0.1.0', settings: { algorithm: 'aes-256-gcm' } },
  ]
  const table = ['aa', 'bb', 'cc'].map((byte) => byte.repeat(16))
  const tags = (...bytes: number[]): Buffer => Buffer.concat(bytes.map((byte) => Buffer.alloc(16, byte)))
  const full = { count: 3, tags: tags(1, 2, 3), packs: Uint32Array.of(0, 0, 1), table: table.slice(0, 2), lengths: undefined }
  const changed = { ...full, tags: tags(1, 9, 3), packs: Uint32Array.of(0, 2, 1), table }
  const values: Record<string, Uint8Array> = {
    'working key `log`': ring.workingKey(1, 'log'),
    'working key `directory`': ring.workingKey(1, 'directory'),
    'working key `recipe`': ring.workingKey(1, 'recipe'),
    'working key `checkpoint`': ring.workingKey(1, 'checkpoint'),
    'fingerprint of M': Buffer.from(keysInUse(ring, 1).print, 'hex'),
    'working key `codecs`': ring.workingKey(1, 'codecs'),
    'working key `stream-memory`': ring.workingKey(1, 'stream-memory'),
    'name of what a host keeps of a stream': Buffer.from(basename(memoryPlace(host, stream, 1)!.path), 'hex'),
    'unit of "kpipe"': sealUnit(ring.workingKey(1, 'log'), Buffer.from('header'), [Buffer.from('kpipe')], salt),
    'binding, class D': frameBinding(id, 'D', 1, codecs),
    'key of a frame of stage-seal': deriveKey(ring.workingKey(1, 'codecs'), salt, '@kpipe/stage-seal/frame'),
    'commitment of a frame of stage-seal': deriveKey(ring.workingKey(1, 'codecs'), salt, '@kpipe/stage-seal/commitment').subarray(0, 16),
    'SHA-256 tag of "kpipe"': unitTag(ring, Buffer.from('kpipe')),
    'marker without features': encodeMarker({ repositoryId: id, requires: noRequirements }),
    'pack numbers': encodePackNumbers([packNumber(2, 0), packNumber(2, 1), packNumber(4, 0)]),
    'full part': encodeFullPart(full),
    'change of a part': encodeChange(changed, Buffer.alloc(16, 0x77), 2, Uint32Array.of(1)),
  }
  for (const [name, value] of Object.entries(values)) {
    const row = text.split('\n').find((line) => line.startsWith(`| ${name}`))
    t.equal(row?.split('|').at(-2)?.trim(), Buffer.from(value).toString('hex'), name)
  }
  t.match(text, formatKey(Buffer.alloc(32, 0x55)).trim())
  t.match(text, formatRecoveryPhrase(Buffer.alloc(32, 0x66)))
})

test('the bounds of FORMAT.md are those of the code', async (t) => {
  const chapter = text.slice(text.indexOf('### Bounds'), text.indexOf('## Objects'))
  const rows = chapter.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| |'))
  const value = (told: string): number => told.split(' × ').reduce((product, factor) => product * power(factor), 1)
  const power = (told: string): number =>
    told
      .replaceAll(',', '')
      .split('^')
      .map(Number)
      .reduce((base, exponent) => base ** exponent)
  const told = rows.flatMap((row) => row.split('|').at(-2)!.trim().split(', ')).map(value)
  const { maxChainBytes, maxChainLinks, maxChunks, maxCodecs, maxEntryBytes, maxFrameBytes } = bounds
  const { maxDrillNoteBytes, maxMissingEntries, maxPackBytes, maxPartPacks, maxSlotObjects, maxValues } = bounds
  const objects = [maxEntryBytes, maxMissingEntries, maxPackBytes, maxFrameBytes, maxCodecs]
  const recipes = [maxChunks, maxChainLinks, maxChainBytes, maxPartPacks]
  t.same(told, [...objects, ...recipes, maxValues, maxDrillNoteBytes, maxSlotObjects, maxPasswordSlots, maxPasswordWork])
})

test('a reader written from FORMAT.md alone restores every snapshot', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(3000 * pageBytes + 5, 'format')
  const taken = new Map<string, Buffer>()
  const added = Buffer.alloc(32, 3)
  for (let round = 0; round < 36; round++) {
    bytes.fill(round + 1, round * 40 * pageBytes, round * 40 * pageBytes + 300)
    const { snapshot } = await backUp(round % 3 === 0 ? await reopened(store) : repository, bytes, {
      frameChunks: 100,
      name: round % 2 ? 'a' : 'b',
    })
    await repository.refresh()
    taken.set(snapshot.id, Buffer.from(bytes))
    if (round % 12 === 5) await repository.keys.rotate()
    if (round === 9) await repository.keys.add({ kind: 'key-file', key: added, file: 'added.key' })
  }
  const pieces = Array.from({ length: 500 }, (_, index) => noise(1 + ((index * 37) % 90), `piece${index}`))
  const content = Buffer.concat(pieces)
  const { snapshot } = await backUp(repository, content, { lengths: Uint32Array.from(pieces, (piece) => piece.length) })
  taken.set(snapshot.id, content)
  const attachments = { 'etc/ca.crt': noise(70, 'ca'), 'etc/empty': Buffer.alloc(0), 'etc/enc.yaml': noise(1007, 'enc') }
  for (const count of [70_000, 70_001]) {
    const large = await backUp(repository, content.subarray(0, 640), { facts: { note: 'n'.repeat(count) }, attachments })
    taken.set(large.snapshot.id, content.subarray(0, 640))
    for (const [name, bytes] of Object.entries(attachments)) taken.set(`${large.snapshot.id} ${name}`, bytes)
  }
  if (keyFile.kind !== 'key-file') throw new Error('the tests use a key file')
  t.equal(repository.keys.epoch, 4)
  for (const key of [keyFile.key, added]) {
    const read = readIndependently(store.objects, key)
    t.same([...read.keys()], [...taken.keys()])
    for (const [id, expected] of taken) t.ok(read.get(id)!.equals(expected), id.slice(0, 12))
  }
})
