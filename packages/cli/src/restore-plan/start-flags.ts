import { shellWord } from '../output/shell-words.ts'
import { initialCluster } from './decide.ts'
import type { PlannedMember, RestorePlan } from './decide.ts'
import { grouped } from './grouped.ts'
import { asideOf } from './service.ts'
import type { Doing } from './service.ts'
import type { Step } from './step.ts'

/**
 * What etcd must be started with. It reads `--initial-*` only when its data directory holds no log, and a restored one does: the end-to-end
 * test starts members of 3.5 to 3.7 with others there.
 */
export function startFlags(plan: RestorePlan): Step {
  const { members } = plan
  return {
    title: 'Look at how etcd is started',
    text: [
      'Usually nothing has to be changed: the new data directories are where the old ones were. These lines must read so, whatever else stands there:',
      flagTable(members),
      `\`--force-new-cluster\` must not be there: take it out where somebody has put it in. etcd reads \`--initial-cluster\`, \`--initial-cluster-token\` and \`--initial-cluster-state\` only for an empty data directory, and these are none, so leave them as they are. Where you want them to tell the truth: \`--initial-cluster=${initialCluster(plan)}\`, without \`--initial-cluster-state=existing\`, which is for members that are added to a cluster that runs.`,
    ],
    parts: grouped(members, look).filter(({ commands }) => commands.length > 0),
  }
}

/** Flags by member, and where others reach it. */
function flagTable(members: readonly PlannedMember[]): string {
  const rows = members.map(({ host, name, dataDir, walDir, peerUrls, clientUrls }) => {
    const flags = [`--name=${name}`, `--data-dir=${dataDir}`, ...(walDir === undefined ? [] : [`--wal-dir=${walDir}`])]
    return `| ${[host, flags.map((flag) => `\`${flag}\``).join(' '), peerUrls.join(' '), clientUrls.join(' ')].join(' | ')} |`
  })
  return [
    '| host | flags | members reach it at (`--listen-peer-urls`) | clients reach it at (`--advertise-client-urls`) |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n')
}

function look({ etcd, dataDir, walDir }: PlannedMember): Doing {
  if (etcd.kind === 'hand') return { commands: [], seen: '' }
  if (etcd.kind === 'unit')
    return {
      commands: [`systemctl cat ${shellWord(etcd.unit)}`],
      seen: 'Flags may also stand in its EnvironmentFile, as ETCD_NAME, ETCD_DATA_DIR and so on.',
    }
  const manifest = shellWord(asideOf(etcd.manifest))
  return {
    commands: [`grep -E -- '--(name|data-dir|wal-dir|initial-|advertise|listen-peer|force)' ${manifest}`, `grep -A2 hostPath: ${manifest}`],
    seen: `In a manifest \`--data-dir\` is the path inside the container; the \`hostPath\` that is mounted there must be ${walDir === undefined ? dataDir : `${dataDir}, and that of \`--wal-dir\` ${walDir}`}.`,
  }
}
