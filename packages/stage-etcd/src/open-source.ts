import assert from 'node:assert/strict'
import { KpipeError, type SourceContext, type SourceStream } from '@kpipe/engine/contracts'
import { expiringSoon } from './certificate-facts.ts'
import { openChannel } from './channel.ts'
import { endpointsOf, type Endpoint } from './endpoint.ts'
import { askMember } from './member-facts.ts'
import type { Credentials } from './sign-in.ts'
import { callSnapshot, readSnapshot, trailerBytes } from './snapshot-call.ts'
import type { EtcdSettings } from './source.ts'

/** Asks the endpoints in their order for a snapshot. @throws KpipeError KPIPE_SOURCE_*, KPIPE_PIPELINE_INVALID */
export async function openSource(settings: EtcdSettings, context: SourceContext): Promise<SourceStream> {
  const failures: KpipeError[] = []
  const credentials = credentialsOf(settings)
  for (const endpoint of endpointsOf(settings)) {
    try {
      const stream = await openStream(endpoint, settings, credentials, context)
      for (const failure of failures) context.warn(`endpoint passed over: ${failure.message}`)
      return stream
    } catch (error) {
      context.signal.throwIfAborted()
      // A setting that is wrong is wrong for all of them.
      if (!(error instanceof KpipeError) || error.code === 'KPIPE_PIPELINE_INVALID') throw error
      failures.push(error)
    }
  }
  throw failures.length === 1 ? failures[0] : noneOf(failures)
}

async function openStream(
  endpoint: Endpoint,
  settings: EtcdSettings,
  credentials: Credentials | undefined,
  context: SourceContext,
): Promise<SourceStream> {
  const idleTimeoutMs = settings.idleTimeout * 1000
  const dialTimeoutMs = settings.dialTimeout * 1000
  // Told once the snapshot comes: where it does not, what stops it says more.
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const channel = await openChannel(endpoint, { dialTimeoutMs, signal: context.signal, tls: settings, credentials, warn })
  try {
    const facts = await askMember(channel, dialTimeoutMs, warn)
    const snapshot = await callSnapshot(channel, idleTimeoutMs)
    for (const message of [...expiringSoon(endpoint.address, channel.certificates), ...warnings]) context.warn(message)
    let verified = false
    return {
      name: facts.cluster_id || endpoint.address,
      member: facts.member_id,
      bytes: snapshot.dataBytes + trailerBytes,
      facts,
      read: () =>
        readSnapshot(snapshot, {
          idleTimeoutMs,
          signal: context.signal,
          digestSoFar: () => context.digestSoFar(),
          onVerified: () => (verified = true),
        }),
      async end() {
        assert(verified, 'end() is called after the last byte')
        return { trailer_verified: true, snapshot_version: snapshot.first.version }
      },
      close: () => channel.close(),
    }
  } catch (error) {
    await channel.close()
    throw error
  }
}

/** @throws KpipeError KPIPE_PIPELINE_INVALID */
function credentialsOf({ username, password }: EtcdSettings): Credentials | undefined {
  // Not in the schema: a variable that is missing leaves an empty text, and one sentence about it is enough.
  if (password === '') throw new KpipeError('KPIPE_PIPELINE_INVALID', 'source etcd has an empty password')
  if (username !== undefined && password !== undefined) return { username, password }
  if (username === undefined && password === undefined) return undefined
  const [there, missing] = username === undefined ? ['password', 'username'] : ['username', 'password']
  throw new KpipeError('KPIPE_PIPELINE_INVALID', `source etcd has the setting ${there} without ${missing}`)
}

/** Several endpoints and none of use: their common code, or that none could be reached. */
function noneOf(failures: readonly KpipeError[]): KpipeError {
  const code = new Set(failures.map((failure) => failure.code)).size === 1 ? failures[0].code : 'KPIPE_SOURCE_UNREACHABLE'
  const seen = failures.map((failure) => failure.message)
  return new KpipeError(code, `none of ${failures.length} endpoints gives a snapshot: ${seen.join('; ')}`, { endpoints: seen })
}
