/** restic's keep rules that count, by restic's names. */
export const countRules = ['keep-last', 'keep-hourly', 'keep-daily', 'keep-weekly', 'keep-monthly', 'keep-yearly'] as const
export type CountRule = (typeof countRules)[number]

/** As the file has it. */
export interface WrittenRetention extends Readonly<Partial<Record<CountRule, number | string>>> {
  readonly 'keep-within'?: string
  readonly 'keep-tag'?: string | readonly string[]
  readonly prune?: boolean
  readonly timezone?: string
}

/** What stays of a name after each of its backups. */
export interface Retention {
  /** Rules as the command line takes them: a number or `unlimited`. */
  readonly counts: Readonly<Partial<Record<CountRule, string>>>
  /** Such as `30d` or `2y5m7d3h`. */
  readonly within: string | undefined
  /** Each a tag, or several with commas between them. */
  readonly tags: readonly string[]
  /** Whether the space of what goes is given back. */
  readonly prune: boolean
  /** Of which hours, days and so on are meant; an IANA name. */
  readonly timezone: string | undefined
}

const count = (what: string) => ({ type: ['integer', 'string'], minimum: 0, description: `Keeps ${what}; unlimited for all.` })

export const retentionSchema = {
  type: ['object', 'null'],
  properties: {
    'keep-last': count('the newest so many'),
    'keep-hourly': count('the newest of each of the last so many hours that have one'),
    'keep-daily': count('the same by days'),
    'keep-weekly': count('the same by weeks, which begin on Monday'),
    'keep-monthly': count('the same by months'),
    'keep-yearly': count('the same by years'),
    'keep-within': { type: 'string', description: 'Keeps what is newer than 30d or 2y5m7d3h before the newest.' },
    'keep-tag': {
      type: ['string', 'array'],
      items: { type: 'string', minLength: 1 },
      minLength: 1,
      description: 'Keeps what has this tag, or one of these; several with commas between them must all be there.',
    },
    prune: { type: 'boolean', description: 'Whether their space is given back after every backup. true by default.' },
    timezone: { type: 'string', description: 'Of the hours and days, such as Europe/Berlin. UTC by default.' },
  },
  additionalProperties: false,
  description: 'Which snapshots of this name stay after a backup, by restic’s rules. All by default.',
}

/**
 * @param add told of what the schema cannot say
 * @param fits whether the schema allows what stands at a path
 */
export function readRetention(
  written: WrittenRetention | null | undefined,
  add: (path: readonly string[], message: string) => void,
  fits: (...path: string[]) => boolean,
): Retention | undefined {
  if (written === undefined || written === null || !fits('retention')) return undefined
  const wrong = (name: string, what: string): void => add(['retention', name], `"retention.${name}" must be ${what}`)
  const counts: Partial<Record<CountRule, string>> = {}
  for (const rule of countRules) {
    const text = written[rule] === undefined ? undefined : String(written[rule])
    if (text === undefined) continue
    if (text !== 'unlimited' && !/^\d{1,9}$/.test(text)) wrong(rule, 'a number or the word unlimited')
    else counts[rule] = text
  }
  const { 'keep-within': within, 'keep-tag': tag = [], prune = true, timezone } = written
  if (within !== undefined && !/^(?=.)(\d{1,4}y)?(\d{1,5}m)?(\d{1,6}d)?(\d{1,7}h)?$/.test(within))
    wrong('keep-within', 'a span such as 30d, 12h or 2y5m7d3h')
  if (timezone !== undefined && !isTimezone(timezone)) wrong('timezone', 'the name of a time zone, such as Europe/Berlin')
  const tags = [tag].flat()
  if (tags.some((list) => list.split(',').includes(''))) wrong('keep-tag', 'tags with single commas between them')
  const keeps =
    within !== undefined || tags.length > 0 || countRules.some((rule) => written[rule] !== undefined && String(written[rule]) !== '0')
  if (!keeps) add(['retention'], '"retention" has no rule that keeps anything, such as "keep-daily: 7"')
  return { counts, within, tags, prune, timezone }
}

/** Whether this system knows a time zone of that name. */
export function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}
