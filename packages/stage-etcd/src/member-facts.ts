import { KpipeError } from '@kpipe/engine/contracts'
import type { Channel } from './channel.ts'
import { decodeMemberList, decodeStatus, methods } from './etcd-messages.ts'
import { ask } from './unary.ts'

const nothing = new Uint8Array()

/** What a member says of itself and of its cluster. Ids are 16 hex digits. */
export type MemberFacts = Readonly<Awaited<ReturnType<typeof askMember>>>

/**
 * Asks the member that a channel leads to. What it refuses (learners refuse the list of members, some versions refuse either to users
 * that may take a snapshot) stays empty: the snapshot itself tells whether it may be had. The revision that Status tells is not
 * among the facts: the snapshot's own comes from its bytes.
 * @throws KpipeError KPIPE_SOURCE_*
 */
export async function askMember(channel: Channel, withinMs: number, warn: (message: string) => void) {
  const status = await ask(channel, methods.status, nothing, decodeStatus, withinMs).catch((error: unknown) => {
    if (!(error instanceof KpipeError && error.code === 'KPIPE_SOURCE_REFUSED')) throw error
    warn(`the state of the member is not known: ${error.message}`)
    return undefined
  })
  const list = await ask(channel, methods.memberList, nothing, decodeMemberList, withinMs).catch((error: Error) => {
    warn(`members of the cluster are not known: ${error.message}`)
    return undefined
  })
  const { clusterId, memberId } = status?.header ?? list?.header ?? { clusterId: '', memberId: '' }
  const members = list?.members ?? []
  return {
    cluster_id: clusterId,
    member_id: memberId,
    member_name: members.find((member) => member.id === memberId)?.name ?? '',
    endpoint: channel.endpoint.address,
    cluster_members: members.map(({ id, name, peerUrls }) => ({ id, name, peer_urls: peerUrls })),
    ...channel.certificates,
    ...(status && {
      server_version: status.version,
      storage_version_reported: status.storageVersion,
      leader: status.leaderId === memberId,
      learner: status.isLearner,
      raft_term: status.raftTerm,
      raft_index: status.raftIndex,
      raft_applied_index: status.raftAppliedIndex,
      status_errors: status.errors,
    }),
  }
}
