import assert from 'node:assert/strict'
import { KpipeError, type SourceContext, type SourceStage, type SourceStream } from '@kpipe/engine/contracts'
import { expiringSoon } from './certificate-facts.ts'
import { openChannel } from './channel.ts'
import { endpointsOf, type AddressSettings, type Endpoint } from './endpoint.ts'
import { askMember } from './member-facts.ts'
import type { Credentials } from './sign-in.ts'
import { callSnapshot, readSnapshot, trailerBytes } from './snapshot-call.ts'

export interface EtcdSettings extends AddressSettings {
  readonly username?: string
  readonly password?: string
  /** Seconds. */
  readonly dialTimeout: number
  /** Seconds. */
  readonly idleTimeout: number
}

const addressPattern = '^(etcd|etcd\\+http|http|etcd\\+https|https)://'

/** Snapshots of a live etcd, over gRPC with or without TLS. */
export const source: SourceStage<EtcdSettings> = {
  kind: 'source',
  summary: 'takes a snapshot of a live etcd cluster',
  settings: {
    type: 'object',
    properties: {
      location: {
        type: 'string',
        pattern: addressPattern,
        description:
          'Client address of a member: etcd+https://host:port and https:// mean TLS; etcd://, etcd+http:// and http:// mean none. Port 2379 if none.',
        examples: ['etcd+https://10.0.0.11:2379'],
      },
      endpoints: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        minItems: 1,
        description:
          'Client addresses of several members. The first that gives a snapshot is used. Wins over location. Those without a scheme get TLS when there is a setting of TLS, or when location asks for it.',
        examples: [['https://10.0.0.11:2379', 'https://10.0.0.12:2379']],
      },
      cacert: {
        type: 'string',
        format: 'path',
        minLength: 1,
        description: 'PEM file of the authorities that may sign the certificate of etcd; without it, those that Node trusts.',
        examples: ['/etc/kubernetes/pki/etcd/ca.crt'],
      },
      cert: {
        type: 'string',
        format: 'path',
        minLength: 1,
        description: 'PEM file of the client certificate, its intermediates after it. Files are read again for each connection.',
        examples: ['/etc/kubernetes/pki/etcd/healthcheck-client.crt'],
      },
      key: {
        type: 'string',
        format: 'path',
        minLength: 1,
        description: 'PEM file of the key of the client certificate.',
        examples: ['/etc/kubernetes/pki/etcd/healthcheck-client.key'],
      },
      serverName: {
        type: 'string',
        minLength: 1,
        description: 'Name or IP address that the certificate of etcd must be for, in place of the one that is called.',
        examples: ['etcd.example'],
      },
      insecureSkipTlsVerify: {
        type: 'boolean',
        description: 'Takes any certificate of etcd for good: whoever sits in between can read and alter everything.',
      },
      username: {
        type: 'string',
        minLength: 1,
        description: 'User of etcd, with password. A snapshot needs the role root. A client certificate may stand in for both.',
        examples: ['root'],
      },
      password: {
        type: 'string',
        minLength: 1,
        writeOnly: true,
        description: 'Password of that user, out of the environment or a file.',
        examples: ['${env:ETCD_PASSWORD}', '${file:/run/secrets/etcd}'],
      },
      dialTimeout: {
        type: 'number',
        minimum: 0.001,
        maximum: 3600,
        default: 5,
        description: 'Seconds in which a member must take a connection, and answer each question after that.',
      },
      idleTimeout: {
        type: 'number',
        minimum: 0.001,
        maximum: 86400,
        default: 30,
        description: 'Seconds without a byte of the snapshot after which it is given up.',
      },
    },
    additionalProperties: false,
  },

  async open(settings, context) {
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
  },
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
