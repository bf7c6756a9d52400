import assert from 'node:assert/strict'
import { KpipeError, type Facts, type SourceContext, type SourceStream } from '@kpipe/engine/contracts'
import { expiringSoon } from './certificate-facts.ts'
import type { Channel, ChannelOptions } from './channel.ts'
import { endpointsOf } from './endpoint.ts'
import { askHashes, type Hashes } from './evidence/ask-hashes.ts'
import { confirmHistory } from './evidence/confirm.ts'
import { decodeStatus, methods } from './etcd-messages.ts'
import { askMembers, type Answer, type Asked } from './members/ask-members.ts'
import { chooseMember, type Choice, type Judged } from './members/choose.ts'
import { failureOfAll } from './members/failure-of-all.ts'
import { memberFacts } from './members/member-facts.ts'
import { credentialsOf } from './sign-in.ts'
import { callSnapshot, readSnapshot, trailerBytes } from './snapshot-call.ts'
import type { EtcdSettings } from './source.ts'
import { ask } from './unary.ts'

/**
 * Asks all members for their state, chooses one, and has it begin with a snapshot; when it does not, the next.
 * @param failed endpoints of members whose streams broke before
 * @throws KpipeError KPIPE_SOURCE_*, KPIPE_PIPELINE_INVALID
 */
export async function openSource(settings: EtcdSettings, context: SourceContext, failed: readonly string[] = []): Promise<SourceStream> {
  const { signal } = context
  const asked = await askMembers(endpointsOf(settings), channelOptions(settings, context))
  const choice = choiceOf(asked, settings, context, failed)
  const failures = asked.failures.map(({ error }) => error)
  let used: Answer | undefined
  try {
    for (const [index, judged] of choice.fit.entries()) {
      const { candidate } = judged
      try {
        const stream = await beginSnapshot(judged, { asked, choice, failed }, settings, context)
        used = candidate
        for (const { message } of failures) context.warn(`endpoint passed over: ${message}`)
        tellChoice(judged, choice, settings, context)
        const others = settings.member === undefined && index + 1 < choice.fit.length
        return others ? { ...stream, elsewhere: (next) => openSource(settings, next, [...failed, candidate.endpoint]) } : stream
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof KpipeError) || error.code === 'KPIPE_PIPELINE_INVALID') throw error
        failures.push(error)
      }
    }
    throw failureOfAll(choice, failures, settings.member)
  } finally {
    // Those that confirm the snapshot later are let go of with its own.
    if (used === undefined || settings.evidence === 'off') await asked.closeExcept(used?.channel)
  }
}

function channelOptions(settings: EtcdSettings, { signal }: SourceContext): ChannelOptions {
  return { dialTimeoutMs: settings.dialTimeout * 1000, signal, tls: settings, credentials: credentialsOf(settings) }
}

function choiceOf(asked: Asked, { member, maxLag }: EtcdSettings, context: SourceContext, failed: readonly string[]): Choice<Answer> {
  const [clusterId] = asked.answers.flatMap(({ status }) => status?.header.clusterId ?? [])
  const previousMember = clusterId === undefined ? undefined : context.previousMember?.(clusterId)
  return chooseMember(asked.answers, { previousMember, maxLag, pinned: member, failed })
}

async function beginSnapshot(
  { candidate, reasons }: Judged<Answer>,
  { asked, choice, failed }: { readonly asked: Asked; readonly choice: Choice<Answer>; readonly failed: readonly string[] },
  settings: EtcdSettings,
  context: SourceContext,
): Promise<SourceStream> {
  const idleTimeoutMs = settings.idleTimeout * 1000
  const { channel } = candidate
  const facts: Facts & { readonly cluster_id: string; readonly member_id: string } = {
    ...memberFacts(candidate, asked),
    quorum: choice.quorum,
    choice: {
      reasons,
      others: [
        ...[...choice.fit, ...choice.unfit]
          .filter((other) => other.candidate !== candidate)
          .map((other) => ({ endpoint: other.candidate.endpoint, reasons: other.reasons })),
        ...asked.failures.map(({ endpoint, error }) => ({ endpoint, reasons: [error.message] })),
      ],
      started_over: failed.length,
    },
  }
  const beginning = callSnapshot(channel, idleTimeoutMs)
  // Sent with the same breath: the revision at which the snapshot is taken, unless something is written just then.
  const guess = settings.evidence === 'off' ? undefined : revisionNow(channel, settings)
  const snapshot = await beginning
  const hashes = guess && askHashes(asked, guess, channelOptions(settings, context))
  for (const message of [...expiringSoon(candidate.endpoint, channel.certificates), ...candidate.warnings]) context.warn(message)
  let verified = false
  return {
    name: facts.cluster_id || candidate.endpoint,
    member: facts.member_id,
    bytes: snapshot.dataBytes + trailerBytes,
    facts,
    read() {
      // Not before: who only looks whether a snapshot is to be had lets no member work for it.
      hashes?.begin()
      return readSnapshot(snapshot, {
        idleTimeoutMs,
        signal: context.signal,
        digestSoFar: () => context.digestSoFar(),
        onVerified: () => (verified = true),
      })
    },
    async end() {
      assert(verified, 'end() is called after the last byte')
      return { trailer_verified: true, snapshot_version: snapshot.first.version }
    },
    ...(hashes ? confirmed(hashes, settings, context) : unconfirmed),
    async close() {
      if (hashes === undefined) return channel.close()
      await Promise.all([hashes.close(), asked.closeExcept()])
    },
  }
}

/** Undefined where it is not known: that costs a moment later on. */
async function revisionNow(channel: Channel, { dialTimeout }: EtcdSettings): Promise<number | undefined> {
  const status = await ask(channel, methods.status, new Uint8Array(), decodeStatus, dialTimeout * 1000).catch(() => undefined)
  return status?.header.revision
}

function confirmed(hashes: Hashes, { evidence }: EtcdSettings, { signal, explain }: SourceContext): Pick<SourceStream, 'confirm'> {
  const isRequired = evidence === 'required'
  return { confirm: (facts) => confirmHistory(facts, hashes, { isRequired, signal, ...(explain && { explain }) }) }
}

const unconfirmed: Pick<SourceStream, 'confirm'> = {
  confirm: async () => ({ evidence: 'none', evidence_note: 'nobody was asked', hash_kv_members: [] }),
}

/** What is wrong with others is worth a warning, why they are no better is not. */
function tellChoice(
  { candidate, reasons }: Judged<Answer>,
  { fit, unfit }: Choice<Answer>,
  { member }: EtcdSettings,
  context: SourceContext,
): void {
  const named = ({ name, endpoint }: Answer) => (name === '' ? endpoint : `${name} at ${endpoint}`)
  const [, ...faults] = member === undefined ? [] : reasons
  if (faults.length > 0) context.warn(`member ${named(candidate)} is taken as it is named, though ${faults.join(', and ')}`)
  context.explain?.(`member: ${named(candidate)}: ${reasons.join(', ')}`)
  for (const other of fit.filter((judged) => judged.candidate !== candidate))
    context.explain?.(`not taken: ${named(other.candidate)}: ${other.reasons.join(', ')}`)
  for (const other of unfit) {
    const text = `${named(other.candidate)}: ${other.reasons.join(', ')}`
    if (member === undefined) context.warn(`member passed over: ${text}`)
    else context.explain?.(`not taken: ${text}`)
  }
}
