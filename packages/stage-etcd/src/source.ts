import assert from 'node:assert/strict'
import { KpipeError, type SourceContext, type SourceStage, type SourceStream } from '@kpipe/engine/contracts'
import { openChannel } from './channel.ts'
import { endpointsOf, type Endpoint } from './endpoint.ts'
import { askMember } from './member-facts.ts'
import { callSnapshot, readSnapshot, trailerBytes } from './snapshot-call.ts'

export interface EtcdSettings {
  readonly location?: string
  readonly endpoints?: readonly string[]
  /** Seconds. */
  readonly dialTimeout: number
  /** Seconds. */
  readonly idleTimeout: number
}

const addressPattern = '^(etcd|etcd\\+http|http|etcd\\+https|https)://'

/** Snapshots of a live etcd over plain gRPC. */
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
          'Client address of a member: etcd://host:port, etcd+http:// and http:// mean the same; port 2379 if none. etcd+https:// and https:// are refused: this version does not speak TLS.',
        examples: ['etcd://127.0.0.1:2379'],
      },
      endpoints: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        minItems: 1,
        description:
          'Client addresses of several members, with or without a scheme. The first that gives a snapshot is used. Wins over location.',
        examples: [['10.0.0.11:2379', '10.0.0.12:2379']],
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
    for (const endpoint of endpointsOf(settings)) {
      try {
        const stream = await openStream(endpoint, settings, context)
        for (const failure of failures) context.warn(`endpoint passed over: ${failure.message}`)
        return stream
      } catch (error) {
        context.signal.throwIfAborted()
        if (!(error instanceof KpipeError)) throw error
        failures.push(error)
      }
    }
    throw failures.length === 1 ? failures[0] : noneOf(failures)
  },
}

async function openStream(endpoint: Endpoint, settings: EtcdSettings, context: SourceContext): Promise<SourceStream> {
  const idleTimeoutMs = settings.idleTimeout * 1000
  const dialTimeoutMs = settings.dialTimeout * 1000
  const channel = await openChannel(endpoint, dialTimeoutMs, context.signal)
  try {
    const facts = await askMember(channel, dialTimeoutMs, (message) => context.warn(message))
    const snapshot = await callSnapshot(channel, idleTimeoutMs)
    let verified = false
    return {
      name: facts.cluster_id,
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

/** Several endpoints and none of use: their common code, or that none could be reached. */
function noneOf(failures: readonly KpipeError[]): KpipeError {
  const code = new Set(failures.map((failure) => failure.code)).size === 1 ? failures[0].code : 'KPIPE_SOURCE_UNREACHABLE'
  const seen = failures.map((failure) => failure.message)
  return new KpipeError(code, `none of ${failures.length} endpoints gives a snapshot: ${seen.join('; ')}`, { endpoints: seen })
}
