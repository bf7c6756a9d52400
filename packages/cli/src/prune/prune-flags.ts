import { string } from '@oclif/core/flags'
import { KpipeError } from '@kpipe/engine/contracts'
import { parseUnused } from '@kpipe/repository'
import type { PruneOptions } from '@kpipe/repository'
import { parseDuration } from '../output/time-text.ts'

/** How much a prune does, and when. */
export const pruneFlags = {
  'max-unused': string({
    helpValue: '5%|200M|0|unlimited',
    description: 'how much of no use may stay within packs that are in use; 5% by default',
  }),
  'max-time': string({ helpValue: 'TIME', description: 'end at the next clean point after 10m, say; the next prune goes on' }),
  'sweep-delay': string({
    helpValue: 'TIME',
    description: 'how long packs stay after they were marked, for readers who began before; 1h by default',
  }),
}

export interface PruneFlags {
  readonly 'max-unused'?: string | undefined
  readonly 'max-time'?: string | undefined
  readonly 'sweep-delay'?: string | undefined
}

/** @throws KpipeError KPIPE_USAGE */
export function pruneOptionsOf(flags: PruneFlags): Pick<PruneOptions, 'maxUnused' | 'maxTimeMs' | 'sweepDelayMs'> {
  const text = flags['max-unused']
  const maxUnused = text === undefined ? undefined : parseUnused(text)
  if (text !== undefined && maxUnused === undefined)
    throw new KpipeError('KPIPE_USAGE', `--max-unused ${text} is no amount such as 5%, 200M, 0 or unlimited`, { text })
  return { maxUnused, maxTimeMs: durationMs(flags, 'max-time'), sweepDelayMs: durationMs(flags, 'sweep-delay') }
}

function durationMs(flags: PruneFlags, flag: 'max-time' | 'sweep-delay'): number | undefined {
  const text = flags[flag]
  if (text === undefined) return undefined
  const seconds = parseDuration(text)
  if (seconds === undefined) throw new KpipeError('KPIPE_USAGE', `--${flag} ${text} is no time such as 0s, 10m or 2h`, { flag, text })
  return seconds * 1000
}
