import type { DataDirSettings } from './data-dir-settings.ts'
import { compareLines } from './database-facts.ts'
import type { MadeDataDir } from './make-data-dir.ts'
import { kubernetesBump } from './write-database.ts'

/** Sentences about what a restored member has that its operator may not expect. */
export function remarks(made: MadeDataDir, owner: string | undefined, settings: DataDirSettings, aside: readonly string[]): string[] {
  const { facts, bumpedTo, revision, lowerTo } = made
  const by = (bumpedTo ?? 0) - revision
  const said: (string | false | undefined)[] = [
    bumpedTo !== undefined &&
      settings.bumpRevision === undefined &&
      `these are data of Kubernetes, so revisions go on from ${bumpedTo}, ${kubernetesBump} above the snapshot's ${revision}, and older ones count as compacted: no watcher meets a revision twice (--no-bump leaves them as they are)`,
    bumpedTo !== undefined &&
      settings.bumpRevision !== undefined &&
      `revisions go on from ${bumpedTo}, ${by} above the snapshot's ${revision}`,
    made.kubernetes &&
      bumpedTo === undefined &&
      `these are data of Kubernetes, and revisions go on from ${revision}: whoever watched the old cluster beyond that keeps what he saw until he is started anew`,
    made.kubernetes &&
      bumpedTo !== undefined &&
      by < kubernetesBump &&
      `a bump of ${by} is less than the ${kubernetesBump} that is usual for Kubernetes: the old cluster must not have come so far`,
    ...facts.alarms.map(
      (alarm) =>
        `the snapshot has the alarm ${alarm}${alarm === 'NOSPACE' ? ': etcd refuses writes until it is lifted with `etcdctl alarm disarm`' : ', which etcd will have too'}`,
    ),
    facts.authEnabled && 'authentication is on, with the users and passwords of the snapshot',
    facts.downgrading && 'the cluster was being downgraded when the snapshot was taken, and still is',
    compareLines(facts.line, '3.5') < 0 &&
      "the snapshot is of etcd 3.4 or older, whose own restore leaves the old cluster's members in the database; they are replaced here, as later ones do",
    lowerTo !== undefined &&
      `the database is of etcd ${facts.line} and now says that it is of ${lowerTo}: what ${lowerTo} does not know is still in it`,
    compareLines(facts.line, '3.7') > 0 &&
      `the snapshot is of etcd ${facts.line}, which is newer than this kpipe; the rest is written as for 3.7`,
    ...aside.map((path) => `what was there before is kept as ${path}`),
    owner !== undefined &&
      `the files belong to ${owner}${settings.owner === undefined ? `, as ${aside.length > 0 ? 'those did that were there' : 'the folder does that they stand in'}` : ''}`,
  ]
  return said.filter((sentence) => typeof sentence === 'string')
}
