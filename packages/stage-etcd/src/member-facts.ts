import type { Channel } from './channel.ts'
import { decodeMemberList, decodeStatus, methods, type Member } from './etcd-messages.ts'
import { ask } from './unary.ts'

const nothing = new Uint8Array()

/** What a member says of itself and of its cluster. Ids are 16 hex digits. */
export type MemberFacts = Readonly<Awaited<ReturnType<typeof askMember>>>

/**
 * Asks the member that a channel leads to. A list of members that is refused (learners refuse it) leaves name and
 * list empty. The revision that Status tells is not among the facts: the snapshot's own comes from its bytes.
 * @throws KpipeError KPIPE_SOURCE_*
 */
export async function askMember(channel: Channel, withinMs: number, warn: (message: string) => void) {
  const status = await ask(channel, methods.status, nothing, decodeStatus, withinMs)
  const members = await ask(channel, methods.memberList, nothing, decodeMemberList, withinMs).catch((error: Error): Member[] => {
    warn(`members of the cluster are not known: ${error.message}`)
    return []
  })
  const { clusterId, memberId } = status.header
  return {
    cluster_id: clusterId,
    member_id: memberId,
    member_name: members.find((member) => member.id === memberId)?.name ?? '',
    endpoint: channel.endpoint.address,
    server_version: status.version,
    storage_version_reported: status.storageVersion,
    cluster_members: members.map(({ id, name, peerUrls }) => ({ id, name, peer_urls: peerUrls })),
    leader: status.leaderId === memberId,
    learner: status.isLearner,
    raft_term: status.raftTerm,
    raft_index: status.raftIndex,
    raft_applied_index: status.raftAppliedIndex,
    status_errors: status.errors,
  }
}
