import { writeSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { Facts, Target, TargetContext, TargetStage } from '../contracts/index.ts'
import { type ConformanceCase, demand, demandSameBytes, type GivenSettings } from './conformance-case.ts'
import { demandPlain, descriptionCases, filled } from './description.ts'
import { demandRefused } from './refusal.ts'
import { noise } from './sample-bytes.ts'

/** Somewhere to write to where nothing has been written yet, as others see it. */
export interface TargetPlace {
  readonly settings: GivenSettings
  /** What shows under the target's name. */
  visible(): Promise<Uint8Array | undefined>
  /** Names of everything that is there, finished or not. */
  everything(): Promise<readonly string[]>
}

const bytes = noise(300_000)
const pieceBytes = 100_000

/** The promises of a target that can hide what is not committed. `place` is called for a new one by each case. */
export function targetConformance(stage: TargetStage<never>, place: () => Promise<TargetPlace>): ConformanceCase[] {
  const open = async ({ settings }: TargetPlace, length = bytes.length, hearing: Partial<TargetContext> = {}): Promise<Target> =>
    stage.open(await filled<never>(stage, settings), { signal: new AbortController().signal, bytes: length, ...hearing })
  const cases: ConformanceCase[] = [
    {
      title: 'nothing shows before commit, and then everything at once',
      async run() {
        const there = await place()
        const target = await open(there)
        demand((await there.visible()) === undefined, 'something shows when a target was opened')
        for (const at of [0, pieceBytes, 2 * pieceBytes]) {
          await target.write(at, bytes.slice(at, at + pieceBytes))
          demand((await there.visible()) === undefined, `something shows after ${at + pieceBytes} of ${bytes.length} bytes, before commit`)
        }
        await target.commit()
        await demandVisible(there, bytes)
      },
    },
    {
      title: 'bytes may be used for something else when they are written',
      async run() {
        const there = await place()
        const target = await open(there)
        for (const at of [0, pieceBytes, 2 * pieceBytes]) {
          const piece = bytes.slice(at, at + pieceBytes)
          await target.write(at, piece)
          demandSameBytes(piece, bytes.subarray(at, at + pieceBytes), 'a piece that was written')
          piece.fill(0xff)
        }
        await target.commit()
        await demandVisible(there, bytes)
      },
    },
    {
      title: 'pieces may come in any order and be read back, where a target takes positions',
      async run() {
        const there = await place()
        const target = await open(there)
        if (target.ordered) return await target.abort()
        const pieces = [2 * pieceBytes, 0, pieceBytes].map((at) => target.write(at, bytes.slice(at, at + pieceBytes)))
        await Promise.all(pieces)
        const into = new Uint8Array(pieceBytes)
        demand((await target.read(bytes.length - 10, into)) === 10, 'reading across the end gives something else than what is left')
        demand((await target.read(bytes.length, into)) === 0, 'reading at the end gives something')
        let read = 0
        while (read < pieceBytes) {
          const count = await target.read(50_000 + read, into.subarray(read))
          demand(count > 0, 'reading what was written comes to an end')
          read += count
        }
        demandSameBytes(into, bytes.subarray(50_000, 50_000 + pieceBytes), 'what is read back')
        await target.commit()
        await demandVisible(there, bytes)
      },
    },
    {
      title: 'its file can be written to from outside, where a target has one',
      async run() {
        const there = await place()
        const target = await open(there)
        if (target.ordered || target.file === undefined) return await target.abort()
        const { file } = target
        const told: unknown = file.failed(Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO', errno: -5 }))
        demand(told instanceof Error && told.message !== '', 'an error that the operating system had with its file is told as nothing')
        for (const at of [2 * pieceBytes, 0, pieceBytes]) {
          for (let done = 0; done < pieceBytes;) done += writeSync(file.fd, bytes, at + done, pieceBytes - done, at + done)
          file.written(pieceBytes)
          demand((await there.visible()) === undefined, 'something shows before commit')
        }
        const into = new Uint8Array(pieceBytes)
        await target.read(50_000, into)
        demandSameBytes(into, bytes.subarray(50_000, 50_000 + pieceBytes), 'what is read back of what its file was given')
        await target.commit()
        await demandVisible(there, bytes)
      },
    },
    {
      title: 'what is given up leaves nothing behind',
      async run() {
        for (const written of [0, pieceBytes, bytes.length]) {
          const there = await place()
          const before = [...(await there.everything())].toSorted()
          const target = await open(there)
          for (let at = 0; at < written; at += pieceBytes) await target.write(at, bytes.slice(at, at + pieceBytes))
          await target.abort()
          demand((await there.visible()) === undefined, `something shows that was given up after ${written} bytes`)
          const left = (await there.everything()).filter((name) => !before.includes(name))
          demand(left.length === 0, `${left.join(', ')} was left behind when it was given up after ${written} bytes`)
        }
      },
    },
    {
      title: 'an empty stream can be committed',
      async run() {
        const there = await place()
        await (await open(there, 0)).commit()
        await demandVisible(there, new Uint8Array(0))
      },
    },
    {
      title: 'what exists is refused and stays as it is',
      async run() {
        const there = await place()
        const first = await open(there)
        const late = await open(there)
        await first.write(0, bytes.slice())
        await first.commit()
        await demandRefused(() => open(there), 'opening a target that exists', 'KPIPE_TARGET_EXISTS')
        await late.write(0, noise(bytes.length, 2))
        await demandRefused(() => late.commit(), 'committing over what has appeared meanwhile', 'KPIPE_TARGET_EXISTS')
        await late.abort()
        await demandVisible(there, bytes)
      },
    },
    {
      title: 'what it says of what it made is plain data, and comes once, when that is there',
      async run() {
        const there = await place()
        const [made, warnings]: [Facts[], string[]] = [[], []]
        const facts = { revision: 7, cluster_members: [{ name: 'm1' }] }
        const hearing = {
          facts: structuredClone(facts),
          warn: (message: string) => void warnings.push(message),
          made: (told: Facts) => void made.push(told),
        }
        const target = await open(there, bytes.length, hearing)
        const late = await open(there, bytes.length, hearing)
        for (const one of [target, late]) await one.write(0, bytes.slice())
        demand(made.length === 0, 'something is said to be made before commit')
        await target.commit()
        const { length } = made
        demand(length <= 1, `what was made is told ${length} times`)
        await demandRefused(() => late.commit(), 'committing over what has appeared meanwhile', 'KPIPE_TARGET_EXISTS')
        await late.abort()
        demand(made.length === length, 'something is said to be made by a commit that failed')
        for (const told of made) demandPlain(told, 'what is told of what was made')
        for (const message of warnings) demand(typeof message === 'string' && message !== '', 'a warning is no text')
        demand(isDeepStrictEqual(hearing.facts, facts), 'the facts of the snapshot were changed')
      },
    },
  ]
  return [...descriptionCases(stage, 'target'), ...cases]
}

async function demandVisible(place: TargetPlace, expected: Uint8Array): Promise<void> {
  const seen = await place.visible()
  demand(seen !== undefined, 'nothing shows after commit')
  demandSameBytes(seen, expected, 'what shows after commit')
}
