import { createHash } from 'node:crypto'
import { encodePackNumbers } from '../../src/log/pack-numbers.ts'
import type { NewPack, Payload } from '../../src/log/payload.ts'
import type { LogState } from '../../src/log/state.ts'
import { encodeTagsByPack } from '../../src/log/tags-by-pack.ts'
import { VarintWriter } from '../../src/varint.ts'
import { noise } from '../made-repository.ts'

/** An entry that might come next, most often one that has effect. Keys stay as they are. */
export function randomPayload(state: LogState, random: () => number): Payload {
  const time = 1_700_000_000_000 + state.head.n * 1000
  const pick = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)]
  const some = <Item>(items: readonly Item[], share: number): Item[] => items.filter(() => random() < share)
  const number = (most: number): number => Math.floor(random() * most)
  const bytes = (length: number): Buffer => noise(length, `${state.head.n}/${random()}`)
  const newPacks = (count: number): NewPack[] =>
    Array.from({ length: count }, (_, place) => [
      random() < 0.8 ? 'D' : 'M',
      state.head.n * 10 + place,
      1000 + number(1e7),
      number(900),
      bytes(32),
    ])
  const column = (numbers: readonly number[]): Buffer => encodePackNumbers(numbers.toSorted((one, other) => one - other))
  const writer = Buffer.from(pick([...state.writers.keys()]) ?? '00'.repeat(8), 'hex')
  const packs = [...state.packs.keys()]
  const used = new Set([...state.snapshots.values()].flatMap((snapshot) => snapshot.packs))
  const unused = packs.filter((pack) => !used.has(pack))
  const makers: readonly (() => Payload)[] = [
    () => ({ kind: 'OPEN', time, writer: bytes(8), tool: 't', host: `host${number(3)}`, boot: '', pid: number(1e6) }),
    () => ({ kind: 'OPEN', time, writer: bytes(8), tool: 't', host: 'h', boot: 'b', pid: 1, requires: { write: [`f${number(3)}`] } }),
    () => ({ kind: 'ABORT', time, writer, reason: 'test' }),
    ...Array.from({ length: 6 }, () => (): Payload => {
      const brought = newPacks(1 + number(3))
      const id = bytes(32)
      const large = { id, counter: 0, offset: number(1e6), stored_bytes: number(1e5), epoch: state.epoch }
      const manifest = random() < 0.2 ? large : bytes(1 + number(200))
      return { kind: 'SNAPSHOT', time, writer, packs: brought, uses: column(some(packs, 0.3)), manifest }
    }),
    () => ({ kind: 'FORGET', time, snapshots: some([...state.snapshots.keys()], 0.3).map((id) => Buffer.from(id, 'hex')) }),
    () => ({ kind: 'CONDEMN', time, packs: column(some(unused, 0.5)) }),
    () => ({ kind: 'SWEEP', time, writer, packs: column(some([...state.condemned.keys()], 0.3)) }),
    () => {
      const [old, brought] = [some(packs, 0.1), newPacks(2)]
      const into = new VarintWriter()
      for (const _ of old) into.push(number(2))
      return { kind: 'COMPACT', time, writer, packs: brought, old: column(old), into: into.finish(), up_to: state.head.n - number(5) }
    },
    ...(['DAMAGED', 'HEAL'] as const).map((kind) => (): Payload => {
      const tags = Array.from({ length: 1 + number(3) }, () =>
        createHash('md5')
          .update(`tag${number(20)}`)
          .digest('hex'),
      )
      return { kind, time, ...encodeTagsByPack(new Map(some(packs, 0.1).map((pack) => [pack, new Set(tags)]))) }
    }),
    () => ({ kind: 'CHECKED', time, packs: column(some(packs, 0.3)) }),
    ...(['walked', 'booted'] as const).map((level) => (): Payload => {
      const snapshot = Buffer.from(pick([...state.snapshots.keys()]) ?? '00'.repeat(32), 'hex')
      return { kind: 'DRILLED', time, snapshot, level, passed: random() < 0.7, note: 'n'.repeat(number(30)) }
    }),
    () => ({ kind: 'VOID', time, n: number(state.head.n), digest: bytes(32) }),
  ]
  return pick(makers)!()
}
