import type { Recode } from './recode.ts'

/** How much of what is stored may be of no use to anybody: a share of what stays, or bytes. */
export type Unused = { readonly percent: number } | { readonly bytes: number } | 'unlimited'

export interface PruneOptions {
  /** Without it nothing is written or removed: the report says what would be. */
  readonly apply?: boolean | undefined
  /** Default: 5 percent. */
  readonly maxUnused?: Unused | undefined
  /** Ends at the next clean point after so long; the next prune goes on. */
  readonly maxTimeMs?: number | undefined
  /** How long a condemned pack stays, for readers who began before; default: an hour. No safety rests on it. */
  readonly sweepDelayMs?: number | undefined
  /** Age from which an unfinished writer of another host is ended; default: a day. */
  readonly openTtlMs?: number | undefined
  /** Unfinished writers to be ended whatever they do, by unique prefixes of their ids, of 4 digits at least. */
  readonly endWriters?: readonly string[] | undefined
  /** Writes anew what is sealed under older keys than the newest. */
  readonly reseal?: boolean | undefined
  /** Without it only whole frames are moved, and packs that need more stay as they are. */
  readonly recode?: Recode | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((bytes: number, totalBytes: number) => void) | undefined
}

export const defaultUnused: Unused = { percent: 5 }
export const defaultSweepDelayMs = 3_600_000
export const defaultOpenTtlMs = 86_400_000

/** `5%`, `200M`, `0`, `1.5G` or `unlimited`; undefined for anything else. */
export function parseUnused(text: string): Unused | undefined {
  if (text === 'unlimited') return text
  const percent = /^(\d{1,2}(?:\.\d{1,3})?)%$/.exec(text)?.[1]
  if (percent !== undefined) return { percent: Number(percent) }
  const [, count, unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?)([KMGT]?)$/.exec(text) ?? []
  if (count === undefined) return undefined
  return { bytes: Math.round(Number(count) * 1024 ** ' KMGT'.indexOf(unit || ' ')) }
}
