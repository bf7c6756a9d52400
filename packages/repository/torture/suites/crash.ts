import { directoryStore } from '@kpipe/stage-store-fs'
import type { FileSystem } from '@kpipe/stage-store-fs'
import { dice, reopened } from '../../test/made-repository.ts'
import { backUp } from '../../test/paged-backup.ts'
import { said } from '../altered-repository.ts'
import { determineWorld } from '../determined-world.ts'
import { attachmentsOf, copyOfPromised, makeRepository, nothingPromised, playHistory, streamOf } from '../history.ts'
import type { Promised } from '../history.ts'
import { afterPowerLoss, copyOfDisk, hasUnsynced, losses } from '../power-loss.ts'
import type { Loss } from '../power-loss.ts'
import { changing, emptyDisk, simulatedFiles } from '../simulated-disk.ts'
import type { DiskCall, FolderNode } from '../simulated-disk.ts'
import { faultOf } from '../soundness.ts'
import type { Suite, Trial } from '../suite.ts'

export const storePath = '/disk/repository'
/** Histories, every other one with both processes at work at once. */
const allRounds = 6
/** Of each loss that dice decide, so many outcomes. */
const outcomes = { lost: 1, kept: 1, torn: 2, reordered: 3 }
const maxThrows = 8
/** How often the machine stops once more in the first backup after it. */
const againShare = 0.3
const again = 'crashed again'
const allSynced = 'all was synced'

/** Another file system that works on the one it is given. */
export type Through = (files: FileSystem) => FileSystem

/** The machine stops right before a call that changes the disk, and this becomes of what is not synced. */
interface Crash {
  readonly number: number
  readonly call: DiskCall
  readonly disk: FolderNode
  readonly promised: Promised
  readonly loss: Loss | typeof allSynced
}

/** The machine stops before each call that changes the disk, and the power is back. */
export const crashSuite: Suite = crashSuiteOn((files) => files)

/**
 * @param through stands between the store and the disk
 * @param rounds how many histories
 */
export function crashSuiteOn(through: Through, rounds = allRounds): Suite {
  return {
    name: 'crash',
    kinds: [...losses, allSynced, again],
    async run(trial) {
      for (let round = 0; round < rounds; round++) {
        for (const crash of await crashesOf(trial, round, through)) {
          determineWorld(`${trial.seed} crash ${crash.number}`)
          try {
            await lookAfter(trial, crash, through)
          } catch (error) {
            report(trial, crash, said(error))
          }
        }
      }
    },
  }
}

async function lookAfter(trial: Trial, crash: Crash, through: Through): Promise<void> {
  const roll = dice(trial.seed * 1_000_003 + crash.number)
  const loss = crash.loss === allSynced ? 'kept' : crash.loss
  let { disk, fired } = afterPowerLoss(crash.disk, loss, roll)
  for (let tries = 1; !fired && tries < maxThrows; tries++) ({ disk, fired } = afterPowerLoss(crash.disk, loss, roll))
  if (fired || crash.loss === allSynced) trial.count(crash.loss)
  const promised = copyOfPromised(crash.promised)
  if (roll() < againShare) {
    const second = await crashAgain(disk, promised, roll, through)
    if (second.stopped) trial.count(again)
    disk = second.disk
  }
  const fault = await faultOf(() => directoryStore(storePath, through(simulatedFiles(disk, () => undefined))), promised)
  if (fault !== undefined) report(trial, crash, fault)
}

function report(trial: Trial, { number, call, loss }: Crash, fault: string): void {
  trial.fail(number, `before ${call.operation} ${call.path}, ${loss === allSynced ? loss : `unsynced data ${loss}`}: ${fault}`)
}

/** What a person does on a disk that was left by a crash: a backup, before it an init if there is no repository. The machine stops in it. */
async function crashAgain(
  disk: FolderNode,
  promised: Promised,
  roll: () => number,
  through: Through,
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
    const attachments = attachmentsOf('one-6')
    const { snapshot } = await backUp(repository, bytes, {
      name: 'one',
      tags: ['one-6'],
      frameChunks: 6,
      time: new Date(Date.now()),
      attachments,
    })
    promised.committed.set(snapshot.id, bytes)
  } catch (error) {
    if (left >= 0) throw error
  }
  const loss = losses[Math.floor(roll() * losses.length)]
  return { disk: afterPowerLoss(disk, loss, roll).disk, stopped: left < 0 }
}

/** Plays a history once. The disk is copied where a crash is to be looked at. */
async function crashesOf(trial: Trial, round: number, through: Through): Promise<Crash[]> {
  const [crashes, atOnce] = [[] as Crash[], round % 2 === 1]
  determineWorld(`${trial.seed} history ${round}`)
  const roll = dice(trial.seed * 31 + round)
  const [disk, promised] = [emptyDisk(), nothingPromised()]
  const files = simulatedFiles(
    disk,
    (call) => {
      if (changing.has(call.operation)) crashes.push(...crashesBefore(trial, call, disk, promised))
      return undefined
    },
    () => (atOnce ? Math.floor(roll() * 12) : 0),
  )
  await playHistory({ newStore: () => directoryStore(storePath, through(files)), promised, endsWithError: true, atOnce })
  const unexpected = promised.errors.filter((code) => !atOnce || code !== 'KPIPE_APPEND_LOST')
  if (unexpected.length > 0) throw new Error(`the history fails by itself: ${unexpected.join(', ')}`)
  if (!atOnce && promised.compacted < 2) throw new Error('the collections of the history found nothing to do')
  return crashes
}

function crashesBefore(trial: Trial, call: DiskCall, disk: FolderNode, promised: Promised): Crash[] {
  const kinds = hasUnsynced(disk) ? losses.flatMap((loss) => Array<Loss>(outcomes[loss]).fill(loss)) : [allSynced]
  const taken = kinds.map((loss) => ({ loss, number: trial.next(loss) })).filter(({ number }) => number !== undefined)
  if (taken.length === 0) return []
  const [left, known] = [copyOfDisk(disk), copyOfPromised(promised)]
  return taken.map(({ loss, number }) => ({ number: number!, loss: loss as Crash['loss'], call, disk: left, promised: known }))
}
