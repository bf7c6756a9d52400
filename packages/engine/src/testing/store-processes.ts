import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Store, StoreStage } from '../contracts/index.ts'
import { type ConformanceCase, demand, demandSameBytes } from './conformance-case.ts'
import { filled } from './description.ts'
import { noise } from './sample-bytes.ts'
import { type ChildWork, startStoreChild } from './store-child.ts'
import type { StoreSubject } from './store-conformance.ts'

const racers = 8
const rounds = 10
const kills = 8
/** Until one has come while something was created: how long that takes differs from store to store. */
const mostKills = 40
const killedBytes = 4 * 1024 * 1024

/** What `create` promises between processes, and when one of them dies. */
export function processCases(subject: StoreSubject, stage: StoreStage<never>, module: string): ConformanceCase[] {
  return [
    {
      title: 'of eight processes that create one name at once, exactly one wins',
      async run() {
        const place = await subject.place()
        const settings = await filled<ChildWork['settings']>(stage, place.settings)
        const names = Array.from({ length: rounds }, (_, round) => `race/${round}`)
        const work = (racer: number): ChildWork => ({ module, settings, names, bytes: 5_000, seed: racer * rounds + 1 })
        const children = Array.from({ length: racers }, (_, racer) => listening(startStoreChild(work(racer))))
        await Promise.all(children.map(({ ready }) => ready))
        for (const { child } of children) child.stdin?.end('go\n')
        const said = await Promise.all(children.map(({ ended }) => ended))
        const store = await subject.open(place)
        for (const [round, name] of names.entries()) {
          const winners = said.flatMap((lines, racer) => (lines.includes(`created ${name}`) ? [racer] : []))
          demand(winners.length === 1, `of ${racers} processes that create one name at once, ${winners.length} are told that it is theirs`)
          const expected = noise(5_000, winners[0] * rounds + 1 + round)
          demandSameBytes((await store.read(name)) ?? new Uint8Array(0), expected, 'what the winner created')
        }
      },
    },
    {
      title: 'a process that is killed while it creates leaves all of an object or nothing',
      async run() {
        const place = await subject.place()
        const settings = await filled<ChildWork['settings']>(stage, place.settings)
        let inTheMiddle = 0
        for (let kill = 0; kill < kills || (inTheMiddle === 0 && kill < mostKills); kill++)
          if (await killOnce(subject, place, { module, settings, kill })) inTheMiddle += 1
        demand(inTheMiddle > 0, `none of ${mostKills} kills came while something was created`)
      },
    },
    {
      title: 'who reads or lists while another process creates sees all of an object or nothing',
      async run() {
        const place = await subject.place()
        const settings = await filled<ChildWork['settings']>(stage, place.settings)
        const names = Array.from({ length: 12 }, (_, index) => `seen/${index}`)
        const store = await subject.open(place)
        const { child, ready, ended } = listening(startStoreChild({ module, settings, names, bytes: killedBytes, seed: 1 }))
        await ready
        child.stdin?.end('go\n')
        try {
          while (child.exitCode === null && child.signalCode === null) await demandWhole(store, names)
        } finally {
          child.kill('SIGKILL')
          await ended
        }
        const said = await ended
        for (const [index, name] of names.entries()) {
          demand(said.includes(`created ${name}`), `${name} is not told as created`)
          demandSameBytes((await store.read(name)) ?? new Uint8Array(0), noise(killedBytes, 1 + index), 'what another process created')
        }
      },
    },
  ]
}

/** Whatever is listed or read of these names is there to its end. */
async function demandWhole(store: Store, names: readonly string[]): Promise<void> {
  for await (const { name, bytes } of store.list('seen/'))
    demand(bytes === killedBytes, `${name} is listed with ${bytes} of ${killedBytes} bytes while it is created`)
  for (const name of names) {
    const seen = await store.read(name, { offset: killedBytes - 1, length: 2 })
    demand(seen === undefined || seen.length === 1, `the end of ${name} is missing while it is created`)
  }
}

/** True when the process was killed while it created something. */
async function killOnce(
  subject: StoreSubject,
  place: Awaited<ReturnType<StoreSubject['place']>>,
  { module, settings, kill }: { readonly module: string; readonly settings: ChildWork['settings']; readonly kill: number },
): Promise<boolean> {
  const names = Array.from({ length: 24 }, (_, index) => `kill/${kill}/${String(index).padStart(2, '0')}`)
  const { child, ready, ended } = listening(startStoreChild({ module, settings, names, bytes: killedBytes, seed: 1 }))
  await ready
  child.stdin?.end('go\n')
  // At another moment each time: after the first has begun, and some milliseconds.
  await Promise.race([once(child.stdout!, 'data'), ended])
  await new Promise((resolve) => setTimeout(resolve, kill * 3))
  child.kill('SIGKILL')
  const lines = await ended
  const begun = lines.filter((line) => line.startsWith('begin ')).length
  demand(begun > 0, 'the process of the test was killed before it began')
  const store = await subject.open(place)
  for (const [index, name] of names.slice(0, begun).entries()) {
    const expected = noise(killedBytes, 1 + index)
    const seen = await store.read(name)
    if (seen === undefined) demand(!lines.includes(`created ${name}`), 'an object that was told as created is missing after a kill')
    else demandSameBytes(seen, expected, 'what a killed process has created')
  }
  for await (const { name, bytes } of store.list(`kill/${kill}/`)) {
    demand(bytes === killedBytes, `${name} is listed with ${bytes} of ${killedBytes} bytes after a kill`)
  }
  const last = names[begun - 1]
  // Whether it was finished or not: the process died before it could tell anybody.
  demand(
    (await store.create(last, [noise(killedBytes, begun)])) === 'created',
    'what a killed process did not finish, or could not tell, cannot be created again',
  )
  demand(
    (await store.create(last, [noise(killedBytes, begun + 1)])) === 'exists',
    'what was created again after a kill is given to another object',
  )
  for (const name of names.slice(0, begun)) await store.remove(name)
  return !lines.includes(`created ${last}`)
}

/** Lines of a child's output; `ready` is its first. */
function listening(child: ChildProcess): {
  readonly child: ChildProcess
  readonly ready: Promise<void>
  readonly ended: Promise<string[]>
} {
  let output = ''
  const ready = Promise.withResolvers<void>()
  child.stdin?.on('error', () => undefined) // It may be gone before it is told to go.
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.includes('ready\n')) ready.resolve()
  })
  const ended = once(child, 'close').then(() => {
    ready.reject(new Error('a process of the test ended before it began'))
    return output.split('\n')
  })
  ready.promise.catch(() => undefined)
  return { child, ready: ready.promise, ended }
}
