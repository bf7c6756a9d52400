import { KpipeError } from '@kpipe/engine/contracts'
import type { SourceMember, SourceMembers, SourceStage } from '@kpipe/engine/contracts'
import type { LoadedStage } from '@kpipe/engine'
import { hostAndPort, isNear } from './endpoints.ts'
import type { Said } from './launch.ts'

/** What a cluster said when it was called. */
export type Connection =
  | { readonly state: 'not tested' }
  | { readonly state: 'fails'; readonly error: KpipeError }
  | ({ readonly state: 'works'; readonly warnings: readonly string[] } & SourceMembers)

export interface AskedCluster {
  readonly connection: Connection
  /** One for each member where the cluster said who they are; else those that were called. */
  readonly endpoints: readonly Said[]
}

/**
 * Asks for the members at `candidates`, of which several may lead to the same, and once more at the addresses of all of them.
 * @param load the source with settings for these endpoints
 */
export async function askCluster(
  candidates: readonly Said[],
  load: (endpoints: readonly string[]) => Promise<LoadedStage<SourceStage>>,
  signal: AbortSignal,
): Promise<AskedCluster> {
  const ask = async (endpoints: readonly Said[]) => {
    const warnings: string[] = []
    const { stage, settings } = await load(endpoints.map(({ value }) => value))
    const found = await stage.members!(settings as never, { signal, warn: (message) => void warnings.push(message) })
    return { ...found, warnings }
  }
  try {
    const first = await ask(candidates)
    const { endpoints, warnings } = everyMember(candidates, first.members)
    const isNew = endpoints.some(({ value }) => !candidates.some((candidate) => candidate.value === value))
    const found = isNew || endpoints.length < candidates.length ? await ask(endpoints) : first
    return { connection: { ...found, state: 'works', warnings: [...found.warnings, ...warnings] }, endpoints }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof KpipeError) || error.code === 'KPIPE_INTERNAL') throw error
    return { connection: { state: 'fails', error }, endpoints: candidates }
  }
}

/** The address of each member: the one that answered, or where it tells clients to find it. */
function everyMember(candidates: readonly Said[], members: readonly SourceMember[]): { endpoints: Said[]; warnings: string[] } {
  const answered = members.flatMap(({ endpoint, errors, version }): Said[] => {
    const candidate = candidates.find(({ value }) => hostAndPort(value) === endpoint)
    return candidate === undefined || (version === undefined && errors.length > 0) ? [] : [candidate]
  })
  const warnings: string[] = []
  const others = members.flatMap(({ id, name, endpoint, addresses = [] }): Said[] => {
    if (id === undefined || answered.some(({ value }) => hostAndPort(value) === endpoint)) return []
    const address = [...addresses]
      .toSorted((one) => (one.startsWith('https:') ? -1 : 1))
      .find((url) => /^https?:/.test(url) && !isNear(url))
    // Members of a test, or of a cluster behind one host, have nothing but loopback.
    const chosen = address ?? (answered.every(({ value }) => isNear(value)) ? addresses.find((url) => isNear(url)) : undefined)
    if (chosen !== undefined) return [{ value: chosen, from: `${name ?? id}, by the list of members` }]
    warnings.push(`member ${name ?? id} tells no address that leads to it from here`)
    return []
  })
  return { endpoints: [...answered, ...others], warnings }
}
