import { memoryStore } from '@kpipe/engine/testing'
import { directoryStore } from '@kpipe/stage-store-fs'
import type { Store } from '@kpipe/engine/contracts'
import { dice } from '../../test/made-repository.ts'
import { nothingPromised, playHistory } from '../history.ts'
import { afterPowerLoss, losses } from '../power-loss.ts'
import { determineWorld } from '../determined-world.ts'
import { emptyDisk, simulatedFiles } from '../simulated-disk.ts'
import type { DiskCall, DiskFault, DiskOperation } from '../simulated-disk.ts'
import { faultsOf, objectFaults, simulatedObjects } from '../simulated-objects.ts'
import type { ObjectCall, ObjectFault } from '../simulated-objects.ts'
import { faultOf } from '../soundness.ts'
import type { Suite, Trial } from '../suite.ts'
import { storePath } from './crash.ts'

/** Faults of a disk, by the name that the results show. */
const diskFaults: Readonly<Record<string, { readonly fault: DiskFault; readonly at: readonly DiskOperation[] }>> = {
  EIO: {
    fault: { kind: 'before', errno: 'EIO' },
    at: ['open', 'create', 'writev', 'read', 'fstat', 'close', 'link', 'rm', 'mkdir', 'readdir', 'stat'],
  },
  ENOSPC: { fault: { kind: 'before', errno: 'ENOSPC' }, at: ['create', 'writev', 'link', 'mkdir'] },
  EACCES: { fault: { kind: 'before', errno: 'EACCES' }, at: ['open', 'create', 'link', 'rm', 'mkdir', 'readdir', 'stat'] },
  EMFILE: { fault: { kind: 'before', errno: 'EMFILE' }, at: ['open', 'create', 'readdir'] },
  'short write': { fault: { kind: 'short' }, at: ['writev'] },
  'failed fsync': { fault: { kind: 'fsync', errno: 'EIO' }, at: ['sync'] },
  'full at fsync': { fault: { kind: 'fsync', errno: 'ENOSPC' }, at: ['sync'] },
  'lost reply of a disk': { fault: { kind: 'after', errno: 'EIO' }, at: ['link', 'rm', 'mkdir', 'close'] },
  'taken by oneself': { fault: { kind: 'after', errno: 'EEXIST' }, at: ['link', 'mkdir'] },
  'taken by nobody': { fault: { kind: 'before', errno: 'EEXIST' }, at: ['link'] },
}
/** From some call on, all calls of these kinds fail until the history is over. */
const lasting: Readonly<Record<string, { readonly errno: string; readonly at: readonly DiskOperation[] }>> = {
  'disk full from then on': { errno: 'ENOSPC', at: ['create', 'writev', 'link', 'mkdir'] },
  'read only from then on': { errno: 'EROFS', at: ['create', 'link', 'mkdir', 'rm', 'rmdir'] },
}
const lastingEvery = 8
/** Of the second history, in which processes go on after an error, every other call has its turn. */
const secondEvery = 2
const rounds = 2

/** One error at each call, in a history that goes on as well as it can; then the repository is looked at, and again after a loss of power. */
export const errorsSuite: Suite = {
  name: 'errors',
  kinds: [...Object.keys(diskFaults), ...Object.keys(lasting), ...objectFaults],
  async run(trial) {
    for (let round = 0; round < rounds; round++) {
      const options = { endsWithError: round % 2 === 0, seed: `${trial.seed} errors ${round}` }
      for (const call of await diskCalls(options)) {
        if (round > 0 && call.number % secondEvery > 0) continue
        for (const [kind, { fault, at }] of Object.entries(diskFaults)) {
          if (at.includes(call.operation))
            await onDisk(trial, options, kind, call, (now) => (now.number === call.number ? fault : undefined))
        }
        for (const [kind, { errno, at }] of Object.entries(lasting)) {
          if (call.number % lastingEvery > 0) continue
          const fault: DiskFault = { kind: 'before', errno }
          await onDisk(trial, options, kind, call, (now) => (now.number >= call.number && at.includes(now.operation) ? fault : undefined))
        }
      }
      for (const call of await objectCalls(options))
        for (const fault of faultsOf[call.operation]) await onObjects(trial, options, fault, call)
    }
  },
}

interface PlayOptions {
  readonly endsWithError: boolean
  readonly seed: string
}

async function onDisk(
  trial: Trial,
  options: PlayOptions,
  kind: string,
  call: DiskCall,
  decide: (call: DiskCall) => DiskFault | undefined,
): Promise<void> {
  const number = trial.next(kind)
  if (number === undefined) return
  const disk = emptyDisk()
  let fired = 0
  const [storing, over] = [{ faulty: true }, (): void => void (storing.faulty = false)]
  const files = simulatedFiles(disk, (now) => {
    const fault = storing.faulty ? decide(now) : undefined
    if (fault !== undefined) fired += 1
    return fault
  })
  const roll = dice(trial.seed * 1_000_003 + number)
  const onlyOne = !(kind in lasting)
  await judge(trial, number, options, `${kind} at ${call.operation} ${call.path}`, {
    newStore: () => directoryStore(storePath, files),
    over,
    // What stays undone for the rest of the history may leave a repository unmade.
    mayFail: !onlyOne,
    again: () => {
      const left = afterPowerLoss(disk, losses[Math.floor(roll() * losses.length)], roll).disk
      return () =>
        directoryStore(
          storePath,
          simulatedFiles(left, () => undefined),
        )
    },
  })
  // Near the end of the history nothing may be left that a lasting fault concerns.
  if (fired > 0) trial.count(kind)
  else if (onlyOne) trial.fail(number, `${kind} at call ${call.number} did not fire`)
}

async function onObjects(trial: Trial, options: PlayOptions, fault: ObjectFault, call: ObjectCall): Promise<void> {
  const number = trial.next(fault)
  if (number === undefined) return
  const held = memoryStore()
  let fired = false
  const store = simulatedObjects(held, (now) => {
    if (now.number !== call.number) return undefined
    fired = true
    return fault
  })
  await judge(trial, number, options, `${fault} at ${call.operation} ${call.name}`, {
    newStore: () => store,
    over: () => undefined,
    mayFail: false,
    again: () => () => memoryStore(held.objects),
  })
  if (fired) trial.count(fault)
  else trial.fail(number, `${fault} at call ${call.number} did not fire`)
}

interface World {
  readonly newStore: () => Store
  /** No more faults. */
  readonly over: () => void
  readonly mayFail: boolean
  /** The store as it is found after the machine has stopped. */
  readonly again: () => () => Store
}

async function judge(trial: Trial, number: number, { seed, endsWithError }: PlayOptions, what: string, world: World): Promise<void> {
  determineWorld(seed)
  const promised = nothingPromised()
  const report = (text: string): void => trial.fail(number, `${what}: ${text}`)
  try {
    await playHistory({ newStore: world.newStore, promised, endsWithError, atOnce: false })
  } catch (error) {
    if (!world.mayFail || promised.initialized) return report(`${(error as { code?: string }).code ?? ''} ${(error as Error).stack}`)
  }
  world.over()
  // Looking changes the store; the loss of power comes first.
  const afterwards = world.again()
  const fault = (await faultOf(afterwards, promised)) ?? (await faultOf(world.newStore, promised))
  if (fault !== undefined) report(`${fault} (the history met ${promised.errors.join(', ') || 'no error'})`)
}

async function diskCalls({ seed, endsWithError }: PlayOptions): Promise<DiskCall[]> {
  const calls: DiskCall[] = []
  determineWorld(seed)
  const disk = emptyDisk()
  const files = simulatedFiles(disk, (call) => void calls.push(call))
  const newStore = (): Store => directoryStore(storePath, files)
  await playHistory({ newStore, promised: nothingPromised(), endsWithError, atOnce: false })
  return calls
}

async function objectCalls({ seed, endsWithError }: PlayOptions): Promise<ObjectCall[]> {
  const calls: ObjectCall[] = []
  determineWorld(seed)
  const store = simulatedObjects(memoryStore(), (call) => void calls.push(call))
  await playHistory({ newStore: () => store, promised: nothingPromised(), endsWithError, atOnce: false })
  return calls
}
