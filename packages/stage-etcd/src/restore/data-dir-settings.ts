import type { SettingsSchema } from '@kpipe/engine/contracts'
import { forms } from './form.ts'

/** As the flags of `etcdutl snapshot restore`, and what kpipe adds. */
export interface DataDirSettings {
  readonly dataDir: string
  readonly walDir?: string
  readonly name: string
  readonly initialCluster?: string
  readonly initialClusterToken: string
  readonly initialAdvertisePeerUrls: string
  readonly bumpRevision?: number
  readonly noBump?: boolean
  readonly skipHashCheck?: boolean
  readonly owner?: string
  readonly moveAside?: boolean
  readonly etcdVersion?: string
  readonly force?: boolean
}

export const dataDirSchema: SettingsSchema = {
  type: 'object',
  properties: {
    dataDir: { type: 'string', format: 'path', minLength: 1, description: 'The data directory to make; it may be there when it is empty.' },
    walDir: {
      type: 'string',
      format: 'path',
      minLength: 1,
      description: 'Where the log goes; must not exist. Without it, into the data directory.',
    },
    name: { type: 'string', minLength: 1, default: 'default', description: 'Name of the member.' },
    initialCluster: {
      type: 'string',
      minLength: 1,
      description: 'All members of the new cluster with their peer URLs. Without it, this member alone on http://localhost:2380.',
      examples: ['m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380,m3=http://10.0.0.3:2380'],
    },
    initialClusterToken: { type: 'string', default: 'etcd-cluster', description: 'The same for all members of the cluster, and no other.' },
    initialAdvertisePeerUrls: {
      type: 'string',
      minLength: 1,
      default: 'http://localhost:2380',
      description: "This member's peer URLs, separated by commas.",
    },
    bumpRevision: {
      type: 'integer',
      minimum: 1,
      maximum: 1e15,
      description:
        'How much higher revisions begin; all below count as compacted. Without it, 1,000,000,000 for data of Kubernetes, else nothing.',
    },
    noBump: { type: 'boolean', description: 'Leaves revisions as they are, also those of Kubernetes.' },
    skipHashCheck: {
      type: 'boolean',
      description: 'Takes a database that does not end with its SHA-256, such as a copied `member/snap/db`.',
    },
    owner: {
      type: 'string',
      minLength: 1,
      description:
        'Who gets the files, as user:group. Without it, whoever has what is moved aside, the empty folder that is there, or the folder around it.',
      examples: ['etcd:etcd'],
    },
    moveAside: {
      type: 'boolean',
      description:
        'Keeps the data directory and log that are there beside, under their names with the time; refused while an etcd runs on them.',
    },
    etcdVersion: {
      type: 'string',
      enum: forms,
      description: 'The line of etcd that is to run on it. Without it, that of the snapshot.',
    },
    force: { type: 'boolean', description: 'Also for an older line of etcd than that of the snapshot.' },
  },
  required: ['dataDir'],
  additionalProperties: false,
}
