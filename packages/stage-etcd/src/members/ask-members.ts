import { setTimeout as delay } from 'node:timers/promises'
import { KpipeError } from '@kpipe/engine/contracts'
import { openChannel, type Channel, type ChannelOptions } from '../channel.ts'
import type { Endpoint } from '../endpoint.ts'
import { decodeMemberList, decodeStatus, methods, type MemberListResponse, type StatusResponse } from '../etcd-messages.ts'
import { ask } from '../unary.ts'
import { hasLeader, type Candidate } from './choose.ts'

/** A member at the other end of a channel, and what it says. */
export interface Answer extends Candidate {
  readonly channel: Channel
  readonly list: MemberListResponse | undefined
  /** What the user should know when a snapshot is taken of it. */
  readonly warnings: readonly string[]
}

export interface Asked {
  /** In the order of the endpoints, each member once. */
  readonly answers: readonly Answer[]
  readonly failures: readonly { readonly endpoint: string; readonly error: KpipeError }[]
  /** Of whoever tells it: learners do not. */
  readonly list: MemberListResponse | undefined
  /** Lets go of all but one. */
  closeExcept(kept?: Channel): Promise<void>
}

/** A leader is elected within two or three seconds, and until then no member has one. */
const electionChecks = 3
const electionCheckMs = 1000

const nothing = new Uint8Array()

/**
 * Asks all endpoints at once for their state and for the list of members.
 * @throws KpipeError KPIPE_PIPELINE_INVALID, also when they lead to several clusters; or the signal's reason
 */
export async function askMembers(endpoints: readonly Endpoint[], options: Omit<ChannelOptions, 'warn'>): Promise<Asked> {
  const settled = await Promise.allSettled(endpoints.map((endpoint) => askEndpoint(endpoint, options)))
  const answered = settled.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  try {
    options.signal.throwIfAborted()
    const failures = settled.flatMap(({ status, ...outcome }, index) => {
      if (status === 'fulfilled') return []
      const { reason } = outcome as PromiseRejectedResult
      // A setting that is wrong is wrong for all of them.
      if (!(reason instanceof KpipeError) || reason.code === 'KPIPE_PIPELINE_INVALID') throw reason
      return [{ endpoint: endpoints[index].address, error: reason }]
    })
    refuseSeveralClusters(answered)
    const list = answered.find((answer) => answer.list !== undefined)?.list
    const nameOf = ({ status }: Answer) => list?.members.find(({ id }) => id === status?.header.memberId)?.name ?? ''
    const answers = (await outwaitElection(eachOnce(answered), options)).map((answer) => ({ ...answer, name: nameOf(answer) }))
    return { answers, failures, list, closeExcept: (kept) => closeAll(answered, kept) }
  } catch (error) {
    await closeAll(answered)
    options.signal.throwIfAborted()
    throw error
  }
}

async function closeAll(answers: readonly Answer[], kept?: Channel): Promise<void> {
  await Promise.all(answers.map(({ channel }) => (channel === kept ? undefined : channel.close())))
}

/**
 * What a member refuses (learners refuse the list of members, some versions refuse either to users that may take a snapshot) stays
 * unknown: the snapshot itself tells whether it may be had.
 */
async function askEndpoint(endpoint: Endpoint, options: Omit<ChannelOptions, 'warn'>): Promise<Answer> {
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const channel = await openChannel(endpoint, { ...options, warn })
  const withinMs = options.dialTimeoutMs
  try {
    const status = await ask(channel, methods.status, nothing, decodeStatus, withinMs).catch((error: unknown) => {
      if (!(error instanceof KpipeError && error.code === 'KPIPE_SOURCE_REFUSED')) throw error
      warn(`the state of the member is not known: ${error.message}`)
      return undefined
    })
    const list = await ask(channel, methods.memberList, nothing, decodeMemberList, withinMs).catch((error: Error) => {
      // Another member tells it for a learner.
      if (status?.isLearner !== true) warn(`members of the cluster are not known: ${error.message}`)
      return undefined
    })
    return { endpoint: endpoint.address, name: '', channel, status, list, warnings }
  } catch (error) {
    await channel.close()
    throw error
  }
}

/** While no member has a leader, asks again: it may be that one is elected just now. */
async function outwaitElection(answers: readonly Answer[], options: Omit<ChannelOptions, 'warn'>): Promise<readonly Answer[]> {
  const { signal, dialTimeoutMs } = options
  let current = answers
  for (let check = 0; check < electionChecks; check += 1) {
    const told = current.flatMap(({ status }) => (status === undefined ? [] : [status]))
    if (told.length === 0 || told.some(hasLeader)) return current
    await delay(electionCheckMs, undefined, { signal }).catch(() => signal.throwIfAborted())
    current = await Promise.all(current.map(async (answer) => ({ ...answer, status: await statusAgain(answer, dialTimeoutMs) })))
  }
  return current
}

/** One that answers no more keeps its state: the snapshot is refused soon enough. */
async function statusAgain({ channel, status }: Answer, withinMs: number): Promise<StatusResponse | undefined> {
  return status && (await ask(channel, methods.status, nothing, decodeStatus, withinMs).catch(() => status))
}

/** Two addresses of one member count once. */
function eachOnce(answers: readonly Answer[]): Answer[] {
  const ids = new Set<string>()
  return answers.filter(({ status }) => {
    if (status === undefined) return true
    const isNew = !ids.has(status.header.memberId)
    ids.add(status.header.memberId)
    return isNew
  })
}

function refuseSeveralClusters(answers: readonly Answer[]): void {
  const clusters = new Map(answers.flatMap(({ endpoint, status }) => (status ? [[status.header.clusterId, endpoint]] : [])))
  if (clusters.size < 2) return
  const seen = [...clusters].map(([id, endpoint]) => `${endpoint} is of ${id}`).join(', ')
  throw new KpipeError('KPIPE_PIPELINE_INVALID', `the endpoints of source etcd lead to different clusters: ${seen}`)
}
