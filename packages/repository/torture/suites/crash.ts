import { directoryStore } from '@kpipe/stage-store-fs'
import type { FileSystem } from '@kpipe/stage-store-fs'
import { dice, reopened } from '../../test/made-repository.ts'
import { backUp } from '../../test/paged-backup.ts'
import { copyOfPromised, makeRepository, nothingPromised, playHistory, streamOf } from '../history.ts'
import type { Promised } from '../history.ts'
import { afterPowerLoss, copyOfDisk, hasUnsynced, losses } from '../power-loss.ts'
import type { Loss } from '../power-loss.ts'
import { determineWorld } from '../determined-world.ts'
import { changing, emptyDisk, simulatedFiles } from '../simulated-disk.ts'
import type { DiskCall, FolderNode } from '../simulated-disk.ts'
import { faultOf } from '../soundness.ts'
import type { Suite, Trial } from '../suite.ts'

export const storePath = '/disk/repository'
/** Histories, every other one with both processes at work at once. */
const rounds = 12
/** Of each loss that dice decide, so many outcomes. */
const outcomes = { lost: 1, kept: 1, torn: 2, reordered: 3 }
const maxThrows = 8
/** How often the machine stops once more in the first backup after it. */
const againShare = 0.3
const again = 'crashed again'
const allSynced = 'all was synced'

/** A moment at which the machine may stop: right before a call that changes the disk. */
interface Moment {
  readonly call: DiskCall
  readonly disk: FolderNode
  readonly promised: Promised
}

/** The machine stops before each call that changes the disk, and the power is back. */
export const crashSuite: Suite = crashSuiteOn((files) => files)

/** @param through stands between the store and the disk */
export function crashSuiteOn(through: (files: FileSystem) => FileSystem): Suite {
  return {
    name: 'crash',
    kinds: [...losses, allSynced, again],
    async run(trial) {
      for (let round = 0; round < rounds; round++) {
        for (const moment of await momentsOf(`${trial.seed} history ${round}`, round % 2 === 1, through)) {
          const quiet = !hasUnsynced(moment.disk)
          for (const loss of quiet ? (['kept'] as const) : losses) {
            for (let outcome = 0; outcome < (quiet ? 1 : outcomes[loss]); outcome++) await crash(trial, moment, loss, quiet, through)
          }
        }
      }
    },
  }
}

async function crash(trial: Trial, moment: Moment, loss: Loss, quiet: boolean, through: (files: FileSystem) => FileSystem): Promise<void> {
  const number = trial.next()
  if (number === undefined) return
  const { call, promised } = moment
  const roll = dice(trial.seed * 1_000_003 + number)
  determineWorld(`${trial.seed} crash ${number}`)
  let { disk, fired } = afterPowerLoss(moment.disk, loss, roll)
  for (let tries = 1; !fired && !quiet && tries < maxThrows; tries++) ({ disk, fired } = afterPowerLoss(moment.disk, loss, roll))
  if (fired) trial.count(loss)
  if (quiet) trial.count(allSynced)
  const known = copyOfPromised(promised)
  let twice = ''
  if (roll() < againShare) {
    const second = await crashAgain(disk, known, roll, through)
    if (second.stopped) trial.count(again)
    disk = second.disk
    twice = ', and once more in the next backup'
  }
  const fault = await faultOf(() => directoryStore(storePath, through(simulatedFiles(disk, () => undefined))), known)
  if (fault !== undefined) trial.fail(number, `before ${call.operation} ${call.path}, unsynced data ${loss}${twice}: ${fault}`)
}

/** What a person does on a disk that was left by a crash: a backup, before it an init if there is no repository. The machine stops in it. */
async function crashAgain(
  disk: FolderNode,
  promised: Promised,
  roll: () => number,
  through: (files: FileSystem) => FileSystem,
): Promise<{ disk: FolderNode; stopped: boolean }> {
  let left = Math.floor(roll() * (promised.initialized ? 40 : 120))
  const files = simulatedFiles(disk, ({ operation }) => {
    if (changing.has(operation)) left -= 1
    return left < 0 ? { kind: 'before', errno: 'ESTOPPED' } : undefined
  })
  const bytes = streamOf('one-6')
  promised.tried.set('one-6', bytes)
  try {
    const store = directoryStore(storePath, through(files))
    if (!promised.initialized) await makeRepository(store, promised)
    const repository = await reopened(store)
    const { snapshot } = await backUp(repository, bytes, { name: 'one', tags: ['one-6'], frameChunks: 6, time: new Date(Date.now()) })
    promised.committed.set(snapshot.id, bytes)
  } catch (error) {
    if (left >= 0) throw error
  }
  const loss = losses[Math.floor(roll() * losses.length)]
  return { disk: afterPowerLoss(disk, loss, roll).disk, stopped: left < 0 }
}

async function momentsOf(seed: string, atOnce: boolean, through: (files: FileSystem) => FileSystem): Promise<Moment[]> {
  determineWorld(seed)
  const disk = emptyDisk()
  const promised = nothingPromised()
  const moments: Moment[] = []
  const roll = dice(Number(seed.split(' ')[0]) * 31 + Number(seed.split(' ').at(-1)))
  const files = simulatedFiles(
    disk,
    (call) => {
      if (changing.has(call.operation)) moments.push({ call, disk: copyOfDisk(disk), promised: copyOfPromised(promised) })
      return undefined
    },
    () => (atOnce ? Math.floor(roll() * 12) : 0),
  )
  await playHistory({ newStore: () => directoryStore(storePath, through(files)), promised, endsWithError: true, atOnce })
  const unexpected = promised.errors.filter((code) => !atOnce || code !== 'KPIPE_APPEND_LOST')
  if (unexpected.length > 0) throw new Error(`the history fails by itself: ${unexpected.join(', ')}`)
  if (!atOnce && promised.compacted < 2) throw new Error('the collections of the history found nothing to do')
  return moments
}
