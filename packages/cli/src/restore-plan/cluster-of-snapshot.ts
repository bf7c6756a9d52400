import type { Fact, Facts } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import type { Snapshot } from '@kpipe/repository'
import type { ClusterFile, ClusterMember } from './cluster-file.ts'
import type { Insight } from './look-into.ts'

/** The members that a snapshot names. What else a plan needs is assumed, and said to be. @throws KpipeError KPIPE_USAGE when it names none */
export function clusterOfSnapshot(
  snapshot: Snapshot,
  { kubernetes }: Insight,
): { readonly cluster: ClusterFile; readonly assumed: readonly string[] } {
  const odd = namedMembers(snapshot.facts)
    .map(oddWord)
    .find((word) => word !== undefined)
  if (odd !== undefined)
    throw new KpipeError(
      'KPIPE_USAGE',
      `the snapshot names a member ${JSON.stringify(odd)}, which is no name and no URL that a plan can have`,
    )
  const members = membersIn(snapshot.facts)
  if (members.length === 0)
    throw withHint(
      new KpipeError('KPIPE_USAGE', `snapshot ${snapshot.shortId} of ${snapshot.name} does not say which members its cluster had`),
      'Write the members of the new cluster into a file, and give that with --plan.',
    )
  const secure = members.every(({ peerUrls }) => [peerUrls].flat().every((url) => url.startsWith('https:')))
  if (!kubernetes || !secure) return { cluster: { members }, assumed: ['members, names and URLs are those that the snapshot names'] }
  return {
    cluster: { members, etcd: '/etc/kubernetes/manifests/etcd.yaml' },
    assumed: [
      'members, names and URLs are those that the snapshot names',
      'etcd and the API servers are static pods, as kubeadm sets them up',
    ],
  }
}

/** Whoever could write the snapshot chose these words, and a plan puts them before people and into their shells. */
const plainName = /^[\w.@:+-]{1,100}$/
const plainUrl = /^https?:\/\/[\w.:[\]-]{1,200}$/

/** Members by the facts of a snapshot; those that never started have no name, and are left out. */
function namedMembers({
  cluster_members: listed,
}: Facts): { readonly name: string; readonly peerUrls: string[]; readonly clientUrls: string[] }[] {
  if (!Array.isArray(listed)) return []
  return (listed as readonly { readonly [name: string]: Fact }[]).flatMap((member) => {
    const { name } = member
    const [peerUrls, clientUrls] = [urls(member['peer_urls']), urls(member['client_urls'])]
    return typeof name === 'string' && name !== '' && peerUrls.length > 0 ? [{ name, peerUrls, clientUrls }] : []
  })
}

function oddWord({ name, peerUrls, clientUrls }: ReturnType<typeof namedMembers>[number]): string | undefined {
  return plainName.test(name) ? [...peerUrls, ...clientUrls].find((url) => !plainUrl.test(url)) : name
}

/** Those members of a snapshot that a plan can name. */
export function membersIn(facts: Facts): ClusterMember[] {
  return namedMembers(facts)
    .filter((member) => oddWord(member) === undefined)
    .map(({ name, peerUrls, clientUrls }) => ({ name, peerUrls, ...(clientUrls.length > 0 && { clientUrls }) }))
}

function urls(fact: Fact | undefined): string[] {
  return Array.isArray(fact) ? fact.filter((url) => typeof url === 'string') : []
}
