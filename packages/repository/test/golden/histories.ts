import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exitCodes } from '@kpipe/engine/contracts'
import { packClasses } from '../../src/format.ts'
import { page, pages, seeds } from './pages.ts'
import { backUp, kpipe, pipeline, recordDrill, secretFiles, type MadeSnapshot } from './program.ts'

/** What a history leaves: the snapshots that are there at its end, oldest first, and the secrets that open it. */
export interface Made {
  readonly snapshots: readonly MadeSnapshot[]
  readonly secrets: readonly (keyof typeof secretFiles)[]
  /** Kinds of log entries that the history is made for, besides those of every backup. */
  readonly kinds: readonly string[]
}

const pageBytes = 4096
const db = (count: number, changed: Readonly<Record<number, string>> = {}): Buffer => pages(pageBytes, seeds(count, changed))

/** Ways in which a repository comes to be, by kpipe as its users run it. Each makes the folder `repository` and files with secrets. */
export const histories = {
  async plain(folder) {
    await begin(folder)
    await pipeline(folder, { name: 'archive' })
    const archive = pages(3000, seeds(40))
    return {
      snapshots: [
        await backUp(folder, 'db', db(24)),
        await backUp(folder, 'archive', archive),
        await backUp(folder, 'db', db(24, { 3: 'a', 4: 'b', 20: 'a' })),
        await backUp(folder, 'archive', Buffer.concat([archive.subarray(0, 60_000), Buffer.from('moved'), archive.subarray(60_000)])),
        await backUp(folder, 'db', db(30, { 3: 'a', 4: 'c', 25: '7' })),
        await backUp(folder, 'db', db(9, { 8: 'end' }).subarray(0, 8 * pageBytes + 100)),
      ],
      secrets: ['key', 'phrase'],
      kinds: [],
    }
  },

  async blake3(folder) {
    await begin(folder, 'blake3')
    return {
      snapshots: [await backUp(folder, 'db', db(4)), await backUp(folder, 'db', db(5, { 1: 'a' }))],
      secrets: ['key', 'phrase'],
      kinds: [],
    }
  },

  async compacted(folder) {
    await begin(folder)
    const prune = ['prune', '-c', 'db.yaml', '--apply', '--max-unused', '0']
    const gone = [await backUp(folder, 'db', db(40)), await backUp(folder, 'db', db(40, { 1: 'a', 2: 'a', 3: 'a', 30: 'a' }))]
    const first = await backUp(folder, 'db', db(40, { 1: 'a', 2: 'b', 3: 'b', 31: 'b' }))
    await pipeline(folder, { name: 'other', pageBytes })
    gone.push(await backUp(folder, 'other', db(2)))
    const other = await backUp(folder, 'other', db(2, { 0: 'a', 1: 'a' }))
    await kpipe(folder, ['forget', gone[0]!.id, gone[2]!.id, '-c', 'db.yaml', '--apply'])
    await kpipe(folder, [...prune, '--sweep-delay', '0s'])
    const second = await backUp(folder, 'db', db(42, { 1: 'a', 2: 'c', 5: 'c', 31: 'b' }))
    await kpipe(folder, ['forget', gone[1]!.id, '-c', 'db.yaml', '--apply'])
    await kpipe(folder, [...prune, '--sweep-delay', '0s'])
    await kpipe(folder, ['key', 'rotate', '-c', 'db.yaml'])
    const third = await backUp(folder, 'db', db(30, { 1: 'a', 2: 'd' }))
    await kpipe(folder, [...prune, '--reseal'])
    const fourth = await backUp(folder, 'db', db(30, { 1: 'e', 2: 'd' }))
    return {
      snapshots: [first, other, second, third, fourth],
      secrets: ['key', 'phrase'],
      kinds: ['CONDEMN', 'SWEEP', 'COMPACT', 'KEY', 'FORGET'],
    }
  },

  async healed(folder) {
    await begin(folder)
    const first = await backUp(folder, 'db', db(20))
    damage(folder)
    await kpipe(folder, ['check', '--read-data', '-c', 'db.yaml'], exitCodes.KPIPE_DAMAGED)
    // Everything but page 3 is there to be stored again, and heals the first snapshot; the page comes with the third.
    const second = await backUp(folder, 'db', db(21, { 3: 'a' }), { code: exitCodes.KPIPE_ATTENTION })
    await kpipe(folder, ['check', '--read-data', '-c', 'db.yaml'], exitCodes.KPIPE_DAMAGED)
    const third = await backUp(folder, 'db', db(20))
    return { snapshots: [first, second, third], secrets: ['key', 'phrase'], kinds: ['DAMAGED', 'HEAL'] }
  },

  async attached(folder) {
    await begin(folder)
    await pipeline(folder, { name: 'db', pageBytes, attach: ['pki', 'encryption.yaml'] })
    const ca = { 'pki/ca.crt': page(1200, 'ca'), 'pki/ca.key': page(300, 'key'), 'pki/etcd/ca.crt': page(1200, 'ca') }
    const files = { ...ca, 'pki/empty': Buffer.alloc(0), 'encryption.yaml': page(90, 'encryption') }
    const leaf = (of: string): Record<string, Buffer> => ({ ...files, 'pki/leaf.crt': page(800, of) })
    const prune = ['prune', '-c', 'db.yaml', '--apply', '--max-unused', '0', '--sweep-delay', '0s']
    const gone = await backUp(folder, 'db', db(30), { attached: leaf('a') })
    const second = await backUp(folder, 'db', db(30, { 1: 'a' }), { attached: leaf('b') })
    const large = { ...leaf('b'), 'pki/large': pages(4096, seeds(300)) }
    const third = await backUp(folder, 'db', db(30, { 1: 'a', 2: 'b' }), { attached: large })
    await kpipe(folder, ['forget', gone.id, '-c', 'db.yaml', '--apply'])
    await kpipe(folder, prune)
    const fourth = await backUp(folder, 'db', db(31, { 1: 'c', 2: 'b' }), { attached: large })
    return { snapshots: [second, third, fourth], secrets: ['key', 'phrase'], kinds: ['FORGET', 'COMPACT'] }
  },

  async drilled(folder) {
    await begin(folder)
    const snapshots = []
    for (const seed of ['a', 'b', 'c', 'd']) snapshots.push(await backUp(folder, 'db', db(10, { 1: seed })))
    const [first, second, third, fourth] = snapshots.map(({ id }) => id)
    await recordDrill(folder, first!, { level: 'booted', passed: true, note: 'etcd 3.6.16 had 12 keys' })
    await recordDrill(folder, second!, { level: 'walked', passed: false, note: 'page 3 is damaged – stopped' })
    await recordDrill(folder, third!, { level: 'booted', passed: true, note: '' })
    await recordDrill(folder, third!, { level: 'walked', passed: true, note: 'no etcd was found' })
    await kpipe(folder, ['forget', third!, '-c', 'db.yaml', '--apply'], exitCodes.KPIPE_USAGE)
    await kpipe(folder, ['forget', first!, '-c', 'db.yaml', '--apply'])
    await recordDrill(folder, fourth!, { level: 'booted', passed: false, note: 'it did not become ready' })
    return { snapshots: snapshots.slice(1), secrets: ['key', 'phrase'], kinds: ['DRILLED', 'FORGET'] }
  },

  async repaired(folder) {
    await begin(folder)
    const first = await backUp(folder, 'db', db(15))
    const second = await backUp(folder, 'db', db(15, { 4: 'a' }))
    await kpipe(folder, ['forget', first.id, '-c', 'db.yaml', '--apply'])
    const third = await backUp(folder, 'db', db(16, { 4: 'a', 5: 'a' }))
    // A checkpoint is made with it, and knows what the entry said that is lost below it.
    await kpipe(folder, ['key', 'rotate', '-c', 'db.yaml'])
    rmSync(join(folder, 'repository/log/00000000000000000004'))
    await kpipe(folder, ['repair', '-c', 'db.yaml', '--apply'])
    const fourth = await backUp(folder, 'db', db(16, { 4: 'b', 5: 'a' }))
    return { snapshots: [second, third, fourth], secrets: ['key', 'phrase'], kinds: ['VOID', 'KEY', 'FORGET'] }
  },

  async keys(folder) {
    await begin(folder)
    await writeFile(join(folder, secretFiles.password), 'correct horse, Batterie agrafée\n')
    const first = await backUp(folder, 'db', db(12))
    const second = await backUp(folder, 'db', db(12, { 2: 'a', 9: 'a' }))
    await kpipe(folder, ['key', 'add', '-c', 'db.yaml', '--new-password-file', secretFiles.password])
    await kpipe(folder, ['key', 'add', '-c', 'db.yaml', '--new-key-file', 'stolen.key'])
    const third = await backUp(folder, 'db', db(13, { 2: 'a', 9: 'b' }))
    const slots = JSON.parse(await kpipe(folder, ['key', 'list', '-c', 'db.yaml', '--key-file', 'stolen.key', '--json'])) as Slot[]
    await kpipe(folder, ['key', 'remove', slots.find(({ opened }) => opened)!.id, '-c', 'db.yaml'])
    await kpipe(folder, ['key', 'rotate', '-c', 'db.yaml'])
    const fourth = await backUp(folder, 'db', db(13, { 2: 'b', 9: 'b' }))
    await kpipe(folder, ['forget', first.id, '-c', 'db.yaml', '--apply'])
    return { snapshots: [second, third, fourth], secrets: ['key', 'phrase', 'password'], kinds: ['KEY', 'FORGET'] }
  },
} satisfies Readonly<Record<string, (folder: string) => Promise<Made>>>

export type HistoryName = keyof typeof histories

/** Flips a byte of a frame in the oldest pack of chunks. */
function damage(folder: string): void {
  const packs = join(folder, 'repository/packs')
  const ofChunks = readdirSync(packs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, bytes: readFileSync(path), changed: statSync(path).mtimeMs }))
    .filter(({ bytes }) => bytes[12] === packClasses.D)
    .toSorted((one, other) => one.changed - other.changed)
  const { path, bytes } = ofChunks[0]!
  bytes[bytes.length >> 1]! ^= 1
  rmSync(path)
  writeFileSync(path, bytes)
}

interface Slot {
  readonly id: string
  readonly opened: boolean
}

async function begin(folder: string, hash: 'sha256' | 'blake3' = 'sha256'): Promise<void> {
  await pipeline(folder, { name: 'db', pageBytes, hash })
  await kpipe(folder, ['init', '-c', 'db.yaml', '--recovery-phrase-file', secretFiles.phrase])
}
