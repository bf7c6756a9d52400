import { describeFailure } from '../failure.ts'
import { memberRow, memberTable } from '../output/member-table.ts'
import type { Findings } from './discover.ts'
import type { FoundEtcd } from './found-etcd.ts'
import type { Look } from './look-around.ts'

/** What was found where, line by line. */
export function looksText(looks: readonly Look[]): string {
  const first = looks.find(({ found }) => found.length > 0)
  return looks
    .flatMap((look) => {
      const { place, found, note } = look
      if (found.length === 0) return [`looked in ${place}: ${note === '' ? 'nothing' : note}`]
      return found.map(
        (etcd) => `${look === first ? 'found' : 'also found'} in ${etcd.place}: ${describe(etcd)}${note === '' ? '' : `; ${note}`}`,
      )
    })
    .join('\n')
}

function describe({ name, dataDir, listen, client }: FoundEtcd): string {
  const addresses = listen.length > 0 ? listen : client.endpoints
  return [
    name === undefined ? 'etcd' : `etcd ${name.value}`,
    ...(addresses.length > 0 ? [`at ${addresses.map(({ value }) => value).join(', ')}`] : []),
    ...(dataDir ? [`data in ${dataDir.value}`] : []),
  ].join(', ')
}

/** What the cluster said, and what is not in a snapshot. */
export function findingsText({ connection, beside }: Findings): string {
  const lines: string[] = []
  if (connection.state === 'not tested') lines.push('the connection was not tested (--offline)')
  if (connection.state === 'works') lines.push('the connection works:', memberTable(connection.members, false).trimEnd())
  if (beside.length > 0) lines.push('not in a snapshot:')
  lines.push(...beside.map(({ path, what, fault }) => `  ${path}: ${what}${fault === undefined ? '' : ` (${fault})`}`))
  return lines.join('\n')
}

/** The same for programs. */
export function findingsObject({
  looks,
  etcd,
  endpoints,
  settings,
  connection,
  beside,
  warnings,
  pipeline,
}: Findings): Record<string, unknown> {
  return {
    looked: looks.map(({ kind, place, found, note }) => ({ kind, place, found: found.map((one) => one.place), note: note || null })),
    etcd: {
      kind: etcd.kind,
      place: etcd.place,
      name: etcd.name?.value ?? null,
      data_dir: etcd.dataDir?.value ?? null,
      wal_dir: etcd.walDir?.value ?? null,
    },
    endpoints,
    settings: Object.fromEntries(settings.map(({ name, value, from }) => [name, { value, from }])),
    connection: connectionObject(connection),
    not_in_snapshot: beside.map(({ path, what, fault }) => ({ path, what, fault: fault ?? null })),
    warnings,
    pipeline,
  }
}

function connectionObject(connection: Findings['connection']): Record<string, unknown> {
  if (connection.state === 'not tested') return { state: connection.state }
  if (connection.state === 'works')
    return { state: connection.state, quorum: connection.quorum, members: connection.members.map(memberRow) }
  const { code, message, hint } = describeFailure(connection.error)
  return { state: connection.state, error: { code, message, hint } }
}
