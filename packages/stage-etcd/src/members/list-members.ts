import { KpipeError } from '@kpipe/engine/contracts'
import type { SourceContext, SourceMember, SourceMembers } from '@kpipe/engine/contracts'
import { expiringSoon } from '../certificate-facts.ts'
import { endpointsOf } from '../endpoint.ts'
import type { Member } from '../etcd-messages.ts'
import { credentialsOf } from '../sign-in.ts'
import type { EtcdSettings } from '../source.ts'
import { askMembers, type Answer, type Asked } from './ask-members.ts'
import { chooseMember, lagOf } from './choose.ts'
import { failureOfAll } from './failure-of-all.ts'

const unknown = {
  id: undefined,
  name: undefined,
  endpoint: undefined,
  version: undefined,
  size: undefined,
  inUse: undefined,
  leader: undefined,
  learner: undefined,
  lag: undefined,
}

/**
 * Every member that an endpoint leads to, then endpoints that do not answer, then members that no endpoint leads to.
 * @throws KpipeError KPIPE_SOURCE_* when no endpoint leads to any
 */
export async function listMembers(
  settings: EtcdSettings,
  { signal, warn }: Pick<SourceContext, 'signal' | 'warn'>,
): Promise<SourceMembers> {
  if (settings.dataDir !== undefined)
    throw new KpipeError('KPIPE_PIPELINE_INVALID', 'the source is a data directory, which has no members to ask', {
      data_dir: settings.dataDir,
    })
  const credentials = credentialsOf(settings)
  const endpoints = endpointsOf(settings)
  const asked = await askMembers(endpoints, { dialTimeoutMs: settings.dialTimeout * 1000, signal, tls: settings, credentials })
  await asked.closeExcept()
  const choice = chooseMember(asked.answers, { maxLag: settings.maxLag })
  if (asked.answers.length === 0) throw failureOfAll(choice, asked.failures.map(({ error }) => error), undefined) // prettier-ignore
  warnOfCertificates(asked.answers, warn)
  const reached = asked.answers.map((answer) => reachedMember(answer, asked))
  const ids = new Set(reached.map(({ id }) => id))
  const missing = (asked.list?.members ?? []).filter(({ id }) => !ids.has(id))
  const notReached = asked.failures.map(({ endpoint, error }) => {
    const member = missing.find(({ clientUrls }) => clientUrls.some((url) => URL.parse(url)?.host === endpoint || url === endpoint))
    return { ...unknown, ...(member && listed(member)), endpoint, errors: [error.message] }
  })
  const rest = missing
    .filter(({ id }) => !notReached.some((member) => member.id === id))
    .map((member) => ({ ...unknown, ...listed(member), errors: [whyNotReached(member)] }))
  return { quorum: choice.quorum, members: [...reached, ...notReached, ...rest] }
}

function reachedMember({ endpoint, name, status, list, warnings }: Answer, asked: Asked): SourceMember {
  const id = status?.header.memberId ?? list?.header.memberId
  const own = asked.list?.members.find((member) => member.id === id)
  const known = { ...unknown, id, endpoint, name: name || own?.name || undefined, ...(own && { addresses: own.clientUrls }) }
  if (status === undefined) return { ...known, errors: warnings }
  return {
    ...known,
    version: status.version,
    size: status.dbSizeBytes,
    inUse: status.dbSizeInUseBytes,
    leader: status.leaderId === id,
    learner: status.isLearner,
    lag: lagOf(status, asked.answers),
    errors: [...status.errors.map((error) => error.trim()), ...warnings],
  }
}

/** That of the client is the same for all of them. */
function warnOfCertificates(answers: readonly Answer[], warn: SourceContext['warn']): void {
  for (const [index, { endpoint, channel }] of answers.entries()) {
    const { certificate_not_after: _, ...ofServer } = channel.certificates
    for (const message of expiringSoon(endpoint, index === 0 ? channel.certificates : ofServer)) warn(message)
  }
}

const listed = ({ id, name, isLearner, clientUrls }: Member) => ({
  id,
  name: name || undefined,
  learner: isLearner,
  addresses: clientUrls,
})
const whyNotReached = ({ name }: Member) => (name === '' ? 'it never started' : 'no endpoint that answers leads to it')
