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

/** Appends CHECKED for packs that are whole, and DAMAGED for chunks that the log does not know to be lost; why not, if so. */
export async function record(context: Recording, whole: readonly number[], lost: TagsByPack): Promise<string | undefined> {
  const { log } = context
  const news = newlyLost(log.state, lost)
  if (whole.length === 0 && news.size === 0) return undefined
  return recording(context, async () => {
    const packs = encodePackNumbers(whole.toSorted((one, other) => one - other))
    if (whole.length > 0) await log.append({ kind: 'CHECKED', time: Date.now(), packs })
    await appendTags(log, 'DAMAGED', news)
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
