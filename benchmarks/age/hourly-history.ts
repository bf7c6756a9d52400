import { createHash, randomBytes } from 'node:crypto'
import { choose } from '@kpipe/repository'
import type { Policy } from '@kpipe/repository'
import { encodePackNumbers, packNumber } from '../../packages/repository/src/log/pack-numbers.ts'
import type { NewPack, Payload } from '../../packages/repository/src/log/payload.ts'
import { encodeManifest } from '../../packages/repository/src/manifest.ts'

export interface HourlyHistory {
  /** `forget` keeps what this says, after each run; without it everything stays. */
  readonly policy?: Policy
  /** Hours whose packs a snapshot uses, besides those of the first one: pages of hours before have all changed since. */
  readonly hoursUsed: number
}

interface Made {
  readonly id: string
  readonly name: string
  readonly time: Date
  readonly bytes: number
  readonly tags: readonly string[]
  readonly packs: readonly number[]
}

const [firstPacks, hour, week] = [8, 3_600_000, 168]
const begin = Date.UTC(2026, 0, 1)
const pageBytes = 4096
const partChunks = 65_536
const maxChain = 33

/**
 * Entries of one backup an hour for ever, from entry 1 on, as kpipe appends them: OPEN and SNAPSHOT, FORGET when a policy lets
 * something go, and once a week a collection that condemns, and sweeps what the last one condemned. Ids, digests and places are random.
 */
export function* hourlyHistory({ policy, hoursUsed }: HourlyHistory): Generator<Payload> {
  let n = 0
  let live: Made[] = []
  const packs = new Set<number>()
  let condemned: number[] = []
  for (let run = 0; ; run++) {
    const time = begin + run * hour
    const writer = randomBytes(8)
    yield { kind: 'OPEN', time, writer, tool: 'kpipe 0.1.0', host: 'control-plane-1', boot: randomUuid(), pid: 4242 }
    const newPacks = Array.from({ length: run === 0 ? firstPacks : 2 }, (_, counter): NewPack => {
      return [counter === 1 ? 'M' : 'D', counter, 1_500_000 + counter, 13_000, randomBytes(32)]
    })
    n += 2
    const first = [...packs].slice(0, firstPacks)
    const used = [...new Set([...first, ...[...packs].slice(-2 * hoursUsed)])].toSorted((one, other) => one - other)
    const manifest = manifestOf(run, writer)
    yield { kind: 'SNAPSHOT', time, writer, packs: newPacks, uses: encodePackNumbers(used), manifest }
    const own = newPacks.map((_, place) => packNumber(n, place))
    for (const pack of own) packs.add(pack)
    const id = createHash('sha256').update(manifest).digest('hex')
    live.push({ id, name: 'bench', time: new Date(time), bytes: 0, tags: [], packs: [...used, ...own] })
    if (policy === undefined) continue

    const gone = choose(live, policy, new Date(time)).filter(({ reasons }) => reasons.length === 0)
    const ids = new Set(gone.map(({ snapshot }) => snapshot.id))
    live = live.filter((snapshot) => !ids.has(snapshot.id))
    if (ids.size > 0) {
      n += 1
      yield { kind: 'FORGET', time, snapshots: [...ids].map((gone) => Buffer.from(gone, 'hex')) }
    }
    if (run % week !== week - 1) continue
    const collector = randomBytes(8)
    yield { kind: 'OPEN', time, writer: collector, tool: 'kpipe 0.1.0', host: 'control-plane-1', boot: randomUuid(), pid: 4243 }
    yield { kind: 'SWEEP', time, writer: collector, packs: encodePackNumbers(condemned) }
    for (const pack of condemned) packs.delete(pack)
    const needed = new Set(live.flatMap((snapshot) => snapshot.packs))
    condemned = [...packs].filter((pack) => !needed.has(pack))
    yield { kind: 'CONDEMN', time, packs: encodePackNumbers(condemned) }
    yield { kind: 'ABORT', time, writer: collector, reason: 'collected' }
    n += 4
  }
}

/** What a backup of a cluster of 110 MiB says, all in all 1.2 to 2 KB, as its recipe is a change of a change, up to 32 times. */
function manifestOf(run: number, writer: Uint8Array): Buffer {
  const bytes = 110 * 2 ** 20 + run * pageBytes
  const chunks = bytes / pageBytes
  const links = 1 + (run % maxChain)
  const chain = randomBytes(14 * links)
  for (let link = 0; link < links; link++) {
    chain.writeUInt16LE(link, link * 14)
    chain.writeUInt32LE(48 + (chain.readUInt16LE(link * 14 + 2) % 1000), link * 14 + 2)
    chain.writeUInt32LE(70_000 + chain.readUInt16LE(link * 14 + 6), link * 14 + 6)
    chain.writeUInt32LE(1, link * 14 + 10)
  }
  const stage = (name: string, settings: Record<string, unknown>) => ({ stage: `@kpipe/stage-${name}`, version: '0.1.0', settings })
  return encodeManifest({
    name: 'bench',
    member: '8e9e05c52164694d',
    time: begin + run * hour,
    tool: 'kpipe 0.1.0',
    writer,
    parent: run === 0 ? null : randomBytes(32),
    streams: [
      {
        name: 'database',
        bytes,
        digest: randomBytes(32),
        chunking: 'page/4096',
        page_bytes: pageBytes,
        chunks,
        parts: [{ tag: randomBytes(16), count: Math.min(chunks, partChunks), chain }],
      },
    ],
    recipe_packs: randomBytes(16 * links),
    facts: {
      cluster_id: 'cdf818194e3a8c32',
      member_id: '8e9e05c52164694d',
      member_name: 'control-plane-1',
      endpoint: 'https://10.0.0.11:2379',
      server_version: '3.6.5',
      storage_version: '3.6.0',
      revision: 1_000_000 + run * 9000,
      keys: 21_000 + (run % 500),
      raft_term: 7,
      raft_index: 2_000_000 + run * 11_000,
      page_size: pageBytes,
      alarms: [],
      trailer_verified: true,
    },
    tags: run % 100 === 0 ? ['pre-upgrade'] : [],
    stages: [
      stage('etcd', { endpoints: ['https://10.0.0.11:2379', 'https://10.0.0.12:2379'], cacert: '/etc/kubernetes/pki/etcd/ca.crt' }),
      stage('chunk', { method: 'auto' }),
      stage('hash', { algorithm: 'sha256' }),
      stage('compress', { algorithm: 'zstd', level: 3 }),
      stage('seal', { algorithm: 'aes-256-gcm' }),
    ],
    statistics: { chunks_fresh: 4400 + (run % 100), bytes_fresh: 18_000_000 + run, bytes_encoded: 1_500_000 + run },
  })
}

function randomUuid(): string {
  return randomBytes(18).toString('hex')
}
