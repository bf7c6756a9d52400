import { memoryStore } from '@kpipe/engine/testing'
import { test } from 'tap'
import type { Test } from 'tap'
import { canonical } from '../model/canonical.ts'
import { rules } from '../model/rules.ts'
import type { Scenario } from '../model/scenario.ts'
import { scenarios } from '../model/scenarios.ts'
import type { Appended, World } from '../model/world.ts'
import { initRepository, newRecoveryPhrase } from '../src/index.ts'
import { keyRing } from '../src/keys/key-ring.ts'
import { openSlots } from '../src/keys/open-slots.ts'
import { Log, readGenesis } from '../src/log/log.ts'
import type { Payload } from '../src/log/payload.ts'
import type { LogState } from '../src/log/state.ts'
import { decodeMarker } from '../src/marker.ts'
import { dice, keyFile } from './made-repository.ts'

/** Of each scenario. */
const walks = 2

test('what the model appends in one step, the log appends after losing, with its last look at the state before', async (t) => {
  let lost = 0
  // Keys of further epochs would need slots, which the model does not have.
  for (const scenario of scenarios.filter(({ name }) => !name.includes('rotat'))) {
    for (let walk = 0; walk < walks; walk++) lost += await replayed(t, scenario.name, randomWalk(scenario, dice(walk)))
  }
  t.ok(lost > 20, `${lost} appends were lost at first`)
})

interface Append {
  readonly actor: string
  readonly payload: Payload
  readonly world: World
}

/** Any order of steps, to the end of all programs; what was appended, and the world after it. */
function randomWalk(scenario: Scenario, roll: () => number): Append[] {
  let world = scenario.begin(rules)
  const appends = payloadsOf(world.last).map((payload) => ({ actor: 'history', payload, world }))
  for (;;) {
    const moves = world.actors.flatMap((actor) => scenario.programs[actor.name][actor.at]?.(world, actor, rules) ?? [])
    if (moves.length === 0) return appends
    const move = moves[Math.floor(roll() * moves.length)]
    if (move.world.last !== world.last) appends.push({ actor: move.label[0], payload: move.world.last!.payload, world: move.world })
    world = move.world
  }
}

/** Every actor has a log of its own, which learns of the others' entries only when it appends. Resolves with the appends that were lost. */
async function replayed(t: Test, name: string, appends: readonly Append[]): Promise<number> {
  const logs = await logsOf(new Set(appends.map(({ actor }) => actor)))
  let [lost, before]: [number, World | undefined] = [0, undefined]
  for (const { actor, payload, world } of appends) {
    const log = logs.get(actor)!
    const looks: LogState[] = []
    await log.append(payload, (state) => looks.push(state))
    lost += looks.length - 1
    if (actor !== 'history') {
      t.equal(told(looks.at(-1)!, before!), told(before!.state, before!), `${name}: ${actor} looked at the head before its ${payload.kind}`)
      t.equal(told(log.state, world), told(world.state, world), `${name}: after ${payload.kind} of ${actor}`)
    }
    before = world
  }
  return lost
}

function told(state: LogState, world: World): string {
  return canonical({ ...world, state })
}

async function logsOf(actors: ReadonlySet<string>): Promise<Map<string, Log>> {
  const store = memoryStore()
  await initRepository({ store, keyFile, recoveryPhrase: newRecoveryPhrase(), tagAlgorithm: 'sha256' })
  const { repositoryId } = decodeMarker((await store.read('repository'))!, store.location)
  const slots = await openSlots(store, repositoryId, keyFile)
  const bundle = (await slots.learn(1))!
  const logs = new Map<string, Log>()
  for (const actor of actors) {
    const ring = keyRing(repositoryId, [bundle])
    logs.set(actor, new Log(store, ring, await readGenesis(store, ring)))
  }
  return logs
}

function payloadsOf(last: Appended | undefined): Payload[] {
  const payloads: Payload[] = []
  for (let at = last; at !== undefined; at = at.before) payloads.unshift(at.payload)
  return payloads
}
