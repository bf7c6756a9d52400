import type { SourceStage } from '@kpipe/engine/contracts'
import { stoppedMemberOf, stoppedMemberSettings } from './data-dir/settings.ts'
import type { StoppedMember } from './data-dir/settings.ts'
import type { AddressSettings } from './endpoint.ts'
import { etcdctlEnvironment } from './etcdctl-environment.ts'

export interface EtcdSettings extends AddressSettings, Partial<StoppedMember> {
  readonly username?: string
  readonly password?: string
  /** Seconds. */
  readonly dialTimeout: number
  /** Seconds. */
  readonly idleTimeout: number
  /** Id, name or endpoint. */
  readonly member?: string
  /** Entries of the log. */
  readonly maxLag: number
  readonly evidence: 'required' | 'asked' | 'off'
}

const addressPattern = '^(etcd|etcd\\+http|http|etcd\\+https|https|unix|unixs)://'

/** Snapshots of a live etcd, over gRPC with or without TLS, or of a member that does not run. */
export const source: SourceStage<EtcdSettings> = {
  kind: 'source',
  summary: 'takes a snapshot of a live etcd cluster, or of the data directory of a stopped member',
  settings: {
    type: 'object',
    properties: {
      location: {
        type: 'string',
        pattern: addressPattern,
        description:
          'Client address of a member: etcd+https://host:port and https:// mean TLS; etcd://, etcd+http:// and http:// mean none. Port 2379 if none. unix:///path and unixs:///path are sockets.',
        examples: ['etcd+https://10.0.0.11:2379'],
      },
      endpoints: {
        type: 'array',
        items: { type: 'string', minLength: 1 },
        minItems: 1,
        description:
          'Client addresses of several members. All are asked for their state, and the fittest gives the snapshot: a learner or follower before the leader. Wins over location. Those without a scheme get TLS when there is a setting of TLS, or when location asks for it.',
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
      member: {
        type: 'string',
        minLength: 1,
        description:
          'Name, id (hexadecimal) or host:port of the member to take the snapshot of, whatever its state; no other is taken then.',
        examples: ['node2'],
      },
      maxLag: {
        type: 'integer',
        minimum: 0,
        maximum: 1_000_000_000,
        default: 1000,
        description: 'Entries of the log that a member may be behind the others.',
      },
      evidence: {
        type: 'string',
        enum: ['required', 'asked', 'off'],
        default: 'asked',
        description:
          'Whether members confirm the history of a snapshot (HashKV, of all endpoints). asked: where they disagree, it is stored and marked as disputed; required: what no member confirms, or they disagree on, is not stored; off: nobody is asked.',
      },
      ...stoppedMemberSettings,
    },
    additionalProperties: false,
  },

  async open(settings, context) {
    const stopped = stoppedMemberOf(settings)
    if (stopped !== undefined) return (await import('./data-dir/open-stopped.ts')).openStopped(stopped, context)
    // Loaded here alone: workers and lists of stages read this module too, and http2 and tls cost them 6 MiB a thread.
    const { openSource } = await import('./open-source.ts')
    return openSource(settings, context)
  },

  async members(settings, context) {
    const { listMembers } = await import('./members/list-members.ts')
    return listMembers(settings, context)
  },

  fromEnvironment: etcdctlEnvironment,
}
