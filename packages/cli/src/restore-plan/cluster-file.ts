import { readDocument } from '@kpipe/engine'
import type { AddProblem } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import { etcdLines } from '../restore/data-dir-flags.ts'

type Text = string | readonly string[]

/** What may be said once for all members. */
interface OfMembers {
  /** Data directory, as the host sees it. */
  readonly dataDir?: string
  readonly walDir?: string
  /** `user:group`; without it, that of what is there. */
  readonly owner?: string
  /** How it runs: the absolute path of a static pod's manifest, the name of a systemd unit, or `hand`. */
  readonly etcd?: string
}

export interface ClusterMember extends OfMembers {
  readonly name: string
  /** A host name or an address. */
  readonly host?: string
  readonly peerUrls: Text
  readonly clientUrls?: Text
}

/** A cluster that is to be restored, as its file has it. */
export interface ClusterFile extends OfMembers {
  readonly members: readonly ClusterMember[]
  readonly token?: string
  readonly etcdVersion?: (typeof etcdLines)[number]
  readonly force?: boolean
  /** How much higher revisions begin. */
  readonly bump?: number | 'none'
  /** As `etcd`, or `none`. */
  readonly apiserver?: string
  readonly apiserverHosts?: readonly string[]
  /** What etcdctl is given, as the hosts see it. */
  readonly cacert?: string
  readonly cert?: string
  readonly key?: string
  /** Decided by a plan. */
  readonly snapshot?: string
  readonly digest?: string
}

const path = (description: string) => ({ type: 'string', pattern: '^/', description })
const text = (description: string) => ({ type: 'string', minLength: 1, description })
const texts = (description: string) => ({ type: ['string', 'array'], minLength: 1, minItems: 1, items: { type: 'string' }, description })
const digits = (description: string) => ({ type: 'string', pattern: '^[0-9a-f]{64}$', description })

const ofMembers = {
  dataDir: path('Data directory. /var/lib/etcd by default.'),
  walDir: path('Where the log goes; without it, into the data directory.'),
  owner: text('Who gets the files, as user:group. Whoever has what is there by default.'),
  etcd: text("How it runs: the path of a static pod's manifest, a systemd unit such as etcd.service, or hand, the default."),
}

const clusterSchema = {
  type: 'object',
  properties: {
    members: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        properties: {
          name: text('Name of the member.'),
          host: text('Its host: a name or an address. The name of the member by default.'),
          peerUrls: texts('Its peer URL, or a list of them.'),
          clientUrls: texts('Its client URL, or a list. The host of the first peer URL at port 2379 by default.'),
          ...ofMembers,
        },
        required: ['name', 'peerUrls'],
        additionalProperties: false,
      },
    },
    ...ofMembers,
    token: text('Token of the new cluster. A new one by default.'),
    etcdVersion: { enum: etcdLines, description: 'Line of etcd that is to run. That of the snapshot by default.' },
    force: { type: 'boolean', description: 'Also when it is older than that of the snapshot.' },
    bump: {
      type: ['integer', 'string'],
      description: 'How much higher revisions begin, or none. 1000000000 for data of Kubernetes by default.',
    },
    apiserver: text('As etcd, or none. kube-apiserver.yaml beside the manifest of etcd by default.'),
    apiserverHosts: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      description: 'Where API servers run. Beside the members by default.',
    },
    cacert: path('For etcdctl.'),
    cert: path('For etcdctl.'),
    key: path('For etcdctl.'),
    snapshot: digits('Id of the snapshot. Plans have it.'),
    digest: digits('SHA-256 of the snapshot. Plans have it.'),
    ...Object.fromEntries(
      ['message_type', 'name', 'time', 'revision', 'assumed', 'remarks', 'left_out', 'steps'].map((name) => [
        name,
        { description: 'Of a plan; not read.' },
      ]),
    ),
  },
  required: ['members'],
  additionalProperties: false,
}

/** @throws KpipeError KPIPE_PIPELINE_MISSING, KPIPE_PIPELINE_INVALID with line and column of everything that is wrong */
export async function readClusterFile(file: string): Promise<ClusterFile> {
  try {
    return await readDocument<ClusterFile>(file, 'cluster file', clusterSchema, check)
  } catch (error) {
    if (!(error instanceof KpipeError)) throw error
    const hint =
      error.code === 'KPIPE_PIPELINE_INVALID' ? 'Correct the file at the place that is named.' : 'Check the path of the cluster file.'
    throw withHint(error, `${hint} It has "members", each with "name" and "peerUrls".`)
  }
}

export function listed(given: Text | undefined): readonly string[] {
  return given === undefined ? [] : typeof given === 'string' ? given.split(',').map((part) => part.trim()) : given
}

function check({ members, bump, cert, key }: ClusterFile, add: AddProblem): void {
  const names = members.map(({ name }) => name)
  const peers = members.map(({ peerUrls }) => listed(peerUrls))
  for (const [i, { name, peerUrls, clientUrls }] of members.entries()) {
    const at = ['members', i] as const
    if (names.indexOf(name) < i) add([...at, 'name'], 'value', `"members[${i}].name" is that of another member, too`)
    if (!/^[\w.@:+-]+$/.test(name)) add([...at, 'name'], 'value', `"members[${i}].name" must be of letters, digits and . _ - @ : +`)
    for (const [which, given] of Object.entries({ peerUrls, clientUrls })) {
      const wrong = listed(given).find((url) => !isUrl(url))
      if (wrong !== undefined)
        add([...at, which], 'value', `"members[${i}].${which}" must be of the form https://host:port, and ${JSON.stringify(wrong)} is not`)
    }
    const twice = peers[i]!.find((url) => peers.slice(0, i).flat().includes(url))
    if (twice !== undefined) add([...at, 'peerUrls'], 'value', `"members[${i}].peerUrls" has ${twice}, as another member has`)
  }
  if (typeof bump === 'string' ? bump !== 'none' : bump !== undefined && bump < 1)
    add(['bump'], 'value', '"bump" must be a number of revisions, or the word none')
  if ((cert === undefined) !== (key === undefined)) add([cert === undefined ? 'key' : 'cert'], 'key', '"cert" and "key" go together')
}

function isUrl(text: string): boolean {
  return /^https?:\/\/[^/@\s]+:\d+$/.test(text) && URL.canParse(text)
}
