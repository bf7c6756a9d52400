import type { Facts } from '@kpipe/engine/contracts'
import type { Answer, Asked } from './ask-members.ts'

/**
 * What a member says of itself and of its cluster. Ids are 16 hex digits. The revision that Status tells is not among the facts: the
 * snapshot's own comes from its bytes.
 */
export function memberFacts({ channel, name, status, list }: Answer, asked: Asked) {
  const { clusterId, memberId } = status?.header ?? list?.header ?? { clusterId: '', memberId: '' }
  const members = (list ?? asked.list)?.members ?? []
  return {
    cluster_id: clusterId,
    member_id: memberId,
    member_name: name || (members.find((member) => member.id === memberId)?.name ?? ''),
    endpoint: channel.endpoint.address,
    cluster_members: members.map(({ id, name, peerUrls, isLearner }) => ({ id, name, peer_urls: peerUrls, learner: isLearner })),
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
      alarms: alarmsIn(status.errors),
    }),
  } satisfies Facts
}

/** Those that a member tells among its errors: `memberID:1234 alarm:NOSPACE `. */
function alarmsIn(errors: readonly string[]): Facts[] {
  return errors.flatMap((error) => {
    const [, id, alarm] = /\bmemberID:\s*(\d+)\s+alarm:\s*(\w+)/.exec(error) ?? []
    return id === undefined ? [] : [{ member_id: BigInt(id).toString(16).padStart(16, '0'), alarm }]
  })
}
