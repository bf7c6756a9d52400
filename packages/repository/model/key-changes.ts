import type { Payload } from '../src/log/payload.ts'
import { done } from './step.ts'
import type { Step } from './step.ts'
import { append } from './world.ts'

/** KEY with a new epoch. */
export const rotate: Step = (world, actor, rules) => [
  done(append(world, rules.fold, { kind: 'KEY', time: 0, epoch: world.state.epoch + 1, slots: [] }), actor, 'KEY with a new epoch'),
]

/** Whoever holds keys that were replaced appends what does harm, under them. */
export function steal(payload: Payload): Step {
  return (world, actor, rules) => {
    if (world.state.epoch === 1) return []
    return [done(append(world, rules.fold, payload, 1), actor, `${payload.kind} under the keys of epoch 1`)]
  }
}
