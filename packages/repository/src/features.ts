import { KpipeError } from '@kpipe/engine/contracts'

/** What a program must know to read, write or collect a repository. This version knows none by name: format 1 alone. */
export interface Requirements {
  readonly read: readonly string[]
  readonly write: readonly string[]
  readonly collect: readonly string[]
}

export const noRequirements: Requirements = { read: [], write: [], collect: [] }
export const operations = ['read', 'write', 'collect'] as const
const known: ReadonlySet<string> = new Set<string>()

/** What both ask for. */
export function joinRequirements(one: Requirements, other: Partial<Requirements> | undefined): Requirements {
  if (other === undefined) return one
  const join = (operation: (typeof operations)[number]): string[] => [...new Set([...one[operation], ...(other[operation] ?? [])])]
  return { read: join('read'), write: join('write'), collect: join('collect') }
}

/** @throws KpipeError KPIPE_FORMAT_UNSUPPORTED */
export function demandFeatures(requirements: Requirements, operation: (typeof operations)[number], location: string): void {
  const missing = requirements[operation].filter((feature) => !known.has(feature))
  if (missing.length === 0) return
  const verb = { read: 'reading', write: 'writing to', collect: 'collecting' }[operation]
  throw new KpipeError(
    'KPIPE_FORMAT_UNSUPPORTED',
    `${verb} the repository at ${location} needs a newer kpipe, one that knows ${missing.join(', ')}`,
    { features: missing },
  )
}
