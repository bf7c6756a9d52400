import { KpipeError } from '@kpipe/engine/contracts'
import type { SourceMember, SourceMembers, SourceStage } from '@kpipe/engine/contracts'
import type { LoadedStage } from '@kpipe/engine'
import { hostAndPort, isNear, tlsFirst } from './endpoints.ts'
import type { Said } from './launch.ts'

/** What a cluster said when it was called. */
export type Connection =
  | { readonly state: 'not tested' }
  | { readonly state: 'fails'; readonly error: KpipeError }
  | ({ readonly state: 'works'; readonly warnings: readonly string[] } & SourceMembers)

export interface AskedCluster {
  readonly connection: Connection
  /** One for each member. None where nobody said who they are. */
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
    // Without a leader each question waits for an election.
    const again = first.quorum !== 'lost' && (isNew || endpoints.length < candidates.length)
    const found = again ? await ask(endpoints) : first
    const isCalled = (endpoint: string | undefined) =>
      endpoints.length === 0 || endpoints.some(({ value }) => hostAndPort(value) === endpoint)
    const silent = found.members
      .filter(({ id, endpoint, errors }) => errors.length > 0 && (id !== undefined || isCalled(endpoint)))
      .map(({ id, name, endpoint, errors }) => `member ${name ?? id ?? `at ${endpoint}`}: ${errors.join('; ')}`)
    return { connection: { ...found, state: 'works', warnings: [...found.warnings, ...warnings, ...silent] }, endpoints }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof KpipeError) || error.code === 'KPIPE_INTERNAL') throw error
    return { connection: { state: 'fails', error }, endpoints: [] }
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
    const callable = tlsFirst(addresses.filter((url) => /^https?:/.test(url)))
    // Members of a test, or of a cluster behind one host, have nothing but loopback.
    const chosen = callable.find((url) => !isNear(url)) ?? (answered.every(({ value }) => isNear(value)) ? callable[0] : undefined)
    if (chosen !== undefined) return [{ value: chosen, from: `${name ?? id}, by the list of members` }]
    warnings.push(`member ${name ?? id} tells no address that leads to it from here`)
    return []
  })
  return { endpoints: [...answered, ...others], warnings }
}
