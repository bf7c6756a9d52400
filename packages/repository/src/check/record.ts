import { KpipeError } from '@kpipe/engine/contracts'
import { appendTags, tagEntries } from '../damage/append-tags.ts'
import { newlyLost } from '../damage/newly-lost.ts'
import { fold } from '../log/fold.ts'
import type { Log } from '../log/log.ts'
import { encodePackNumbers } from '../log/pack-numbers.ts'
import type { LogState } from '../log/state.ts'
import type { TagsByPack } from '../log/tags-by-pack.ts'

export interface Recording {
  readonly log: Log
  /** Why nothing may be appended, if so. */
  readonly rolledBack: () => KpipeError | undefined
  readonly headMoved: () => Promise<void>
}

/**
 * Runs `append`. A check that cannot be recorded is a check all the same: the reason is returned.
 */
export async function recording({ rolledBack, headMoved }: Recording, append: () => Promise<unknown>): Promise<string | undefined> {
  try {
    const refused = rolledBack()
    if (refused !== undefined) throw refused
    await append()
    await headMoved()
    return undefined
  } catch (error) {
    if (error instanceof KpipeError) return error.message
    throw error
  }
}

/**
 * Appends CHECKED for packs that are whole, and DAMAGED for chunks that the log does not know to be lost; why not, if so.
 * @param since number of the head before the packs were read: what others found since then counts more
 */
export async function record(context: Recording, whole: readonly number[], lost: TagsByPack, since: number): Promise<string | undefined> {
  const { log } = context
  const news = newlyLost(log.state, lost)
  if (whole.length === 0 && news.size === 0) return undefined
  return recording(context, async () => {
    await appendChecked(log, whole, since)
    await appendTags(log, 'DAMAGED', news)
  })
}

async function appendChecked(log: Log, whole: readonly number[], since: number): Promise<void> {
  if (whole.length === 0) return
  await log.refresh()
  const isFoundBad = (state: LogState, number: number): boolean => (state.damaged.get(number)?.entry ?? 0) > since
  const numbers = whole.filter((number) => !isFoundBad(log.state, number)).toSorted((one, other) => one - other)
  if (numbers.length === 0) return
  await log.append({ kind: 'CHECKED', time: Date.now(), packs: encodePackNumbers(numbers) }, (state) => {
    const bad = numbers.find((number) => isFoundBad(state, number))
    if (bad !== undefined) throw new KpipeError('KPIPE_APPEND_LOST', 'another process found a pack damaged that was found whole here')
  })
}

/** The state in which these chunks are lost, whether or not the log could be told. */
export function stateWith(state: LogState, lost: TagsByPack): LogState {
  const entries = tagEntries('DAMAGED', newlyLost(state, lost)).map((payload, index) => ({
    n: state.head.n + 1 + index,
    epoch: state.epoch,
    previous: new Uint8Array(32),
    digest: new Uint8Array(32),
    payload,
  }))
  return fold(state, entries)
}
