import { test } from 'tap'
import { choosePacks } from '../../src/collection/choose-packs.ts'
import type { PackUse } from '../../src/collection/pack-use.ts'
import type { Recode } from '../../src/collection/recode.ts'
import type { LogState } from '../../src/log/state.ts'

const MiB = 2 ** 20

/** Packs of 16 MiB, of which so many MiB are unused. */
function packs(...unused: number[]): PackUse[] {
  return unused.map((mebibytes, number) => use(number, 16, mebibytes))
}

function use(number: number, mebibytes: number, unused: number, more: Partial<PackUse> = {}): PackUse {
  const pack = { number, id: String(number), class: 'D', bytes: mebibytes * MiB, directoryBytes: 0, sha256: Buffer.alloc(0) } as const
  return { pack, liveChunks: 1, liveBytes: (mebibytes - unused) * MiB, unusedBytes: unused * MiB, wastedBytes: 0, epoch: 1, ...more }
}

function chosen(
  uses: readonly PackUse[],
  options: Parameters<typeof choosePacks>[1] = {},
  more: Partial<Parameters<typeof choosePacks>[0]> = {},
): number[] {
  const state = { epoch: 1, snapshots: new Map() } as unknown as LogState
  return choosePacks({ uses, untouchable: new Set(), scattered: [], newest: [], state, ...more }, options).map(({ pack }) => pack.number)
}

test('packs with the largest share of unused bytes go first, until no more stay than may', async (t) => {
  t.same(chosen(packs(0, 8, 4, 1), { maxUnused: { bytes: 0 } }), [1, 2, 3])
  t.same(chosen(packs(0, 8, 4, 1), { maxUnused: { bytes: MiB } }), [1, 2])
  t.same(chosen(packs(0, 8, 4, 1), { maxUnused: { bytes: 5 * MiB } }), [1])
  t.same(chosen(packs(0, 8, 4, 1), { maxUnused: 'unlimited' }), [])
})

test('a share is of what stays, its unused bytes included', async (t) => {
  // 95 MiB are of use: 5 MiB of 100 may stay.
  const uses = [use(0, 90, 0), use(1, 5, 2.5), use(2, 5, 2.5)]
  t.same(chosen(uses, { maxUnused: { percent: 5 } }), [])
  t.same(chosen([...uses, use(3, 16, 1)]), [1])
})

test('packs that cannot be read, and those that are too large, stay', async (t) => {
  const uses = [use(0, 16, 8), use(1, 40, 20), use(2, 16, 8)]
  t.same(chosen(uses, { maxUnused: { bytes: 0 } }, { untouchable: new Set([0]) }), [2])
})

test('packs of which nothing is needed come last, with the smallest other one when there is none', async (t) => {
  const empty = use(0, 16, 16, { liveChunks: 0 })
  t.same(chosen([empty, use(1, 16, 8)], { maxUnused: { bytes: 0 } }), [1, 0])
  t.same(chosen([empty, use(1, 16, 0), use(2, 8, 0)], { maxUnused: { bytes: 0 } }), [2, 0])
  t.same(chosen([empty], { maxUnused: { bytes: 0 } }), [0])
})

test('with reseal all go that have frames of older keys', async (t) => {
  const state = { epoch: 2, snapshots: new Map() } as unknown as LogState
  const uses = [use(0, 16, 0), use(1, 16, 0, { epoch: 2 }), use(2, 16, 0)]
  t.same(chosen(uses, { reseal: true }, { state }), [0, 2])
  t.same(chosen(uses, {}, { state }), [])
})

test('small packs of a class are joined when there are many', async (t) => {
  const small = Array.from({ length: 32 }, (_, number) => use(number, 0.5, 0))
  t.equal(chosen(small, { maxUnused: 'unlimited' }).length, 32)
  t.equal(chosen(small.slice(1)).length, 0)
  const units = small.map((one, index) => (index % 2 === 0 ? one : { ...one, pack: { ...one.pack, class: 'M' as const } }))
  t.equal(chosen(units).length, 0)
})

test('packs of a snapshot of which too much must be read go when a tenth of them is unused', async (t) => {
  const state = { epoch: 1, snapshots: new Map([['a', { packs: [0, 1] }]]) } as unknown as LogState
  const uses = packs(2, 1, 2)
  t.same(chosen(uses, { maxUnused: 'unlimited' }, { state, scattered: ['a'] }), [0])
})

test('packs that cost a restore of a newest snapshot most go, until it decodes a quarter more than it has', async (t) => {
  const snapshots = new Map([['late', { packs: [0, 1, 2, 3] }]])
  const state = { epoch: 1, snapshots } as unknown as LogState
  const uses = [16, 48, 0, 32].map((mebibytes, number) => use(number, 16, 0, { wastedBytes: mebibytes * MiB }))
  const other = use(4, 16, 0, { wastedBytes: 64 * MiB })
  const late = (readMebibytes: number) => [{ id: 'late', bytes: 64 * MiB, readBytes: readMebibytes * MiB }]
  const recode = {} as Recode
  t.same(chosen([...uses, other], { recode }, { state, newest: late(160) }), [1, 3])
  t.same(chosen(uses, { recode }, { state, newest: late(176) }), [0, 1, 3])
  t.same(chosen(uses, { recode }, { state, newest: late(128) }), [], 'twice is not too much')
  t.same(chosen(uses, { recode, maxUnused: 'unlimited' }, { state, newest: late(160) }), [])
  t.same(chosen(uses, {}, { state, newest: late(160) }), [], 'frames cannot be taken apart')
})
