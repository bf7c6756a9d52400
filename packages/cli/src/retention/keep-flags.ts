import { string } from '@oclif/core/flags'
import { isTimezone } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import { parseSpan } from '@kpipe/repository'
import type { KeepCount, Policy } from '@kpipe/repository'

const kinds = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const

const count = (what: string) => string({ helpValue: 'N', description: `keep ${what}; unlimited for all` })

/** restic's keep rules, by restic's names. */
export const keepFlags = {
  'keep-last': count('the N newest'),
  'keep-hourly': count('the newest of each of the last N hours that have one'),
  'keep-daily': count('the same by days'),
  'keep-weekly': count('the same by weeks, which begin on Monday'),
  'keep-monthly': count('the same by months'),
  'keep-yearly': count('the same by years'),
  'keep-within': string({ helpValue: 'SPAN', description: 'keep what is newer than 30d or 2y5m7d3h before the newest' }),
  'keep-tag': string({
    helpValue: 'TAG[,TAG]',
    multiple: true,
    multipleNonGreedy: true,
    description: 'keep what has all of these tags; may be given several times',
  }),
  timezone: string({ helpValue: 'ZONE', description: 'of the hours and days, such as Europe/Berlin; UTC by default' }),
}

export type KeepFlags = Readonly<Partial<Record<Exclude<keyof typeof keepFlags, 'keep-tag'>, string | undefined>>> & {
  readonly 'keep-tag'?: readonly string[] | undefined
}

/** @throws KpipeError KPIPE_USAGE */
export function policyOf(flags: KeepFlags): Policy {
  const counts = kinds.map((kind) => [kind, countOf(`--keep-${kind}`, flags[`keep-${kind}`])])
  const within = flags['keep-within']
  return {
    ...(Object.fromEntries(counts) as Policy),
    within: within === undefined ? undefined : spanOf(within),
    tags: flags['keep-tag']?.map(tagsOf),
    timezone: zoneOf(flags.timezone),
  }
}

function countOf(flag: string, text: string | undefined): KeepCount | undefined {
  if (text === undefined || text === 'unlimited') return text
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new KpipeError('KPIPE_USAGE', `${flag} ${text} is neither a number nor the word unlimited`, { flag, text })
}

function spanOf(text: string): Policy['within'] {
  const span = parseSpan(text)
  if (span === undefined) throw new KpipeError('KPIPE_USAGE', `--keep-within ${text} is no span such as 30d, 12h or 2y5m7d3h`, { text })
  return span
}

function zoneOf(name: string | undefined): string | undefined {
  if (name === undefined || isTimezone(name)) return name
  throw new KpipeError('KPIPE_USAGE', `--timezone ${name} is no time zone that this system knows, such as Europe/Berlin`, {
    timezone: name,
  })
}

function tagsOf(text: string): string[] {
  const tags = text.split(',')
  if (tags.includes('')) throw new KpipeError('KPIPE_USAGE', `--keep-tag "${text}" has an empty tag in it`, { text })
  return tags
}
