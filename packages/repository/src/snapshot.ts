import type { Facts } from '@kpipe/engine/contracts'
import type { Manifest } from './manifest.ts'
import { version } from './version.ts'

/** One backup, as lists and restores see it. */
export interface Snapshot {
  /** 64 hex digits. */
  readonly id: string
  /** The first 12. */
  readonly shortId: string
  readonly name: string
  readonly member: string
  readonly time: Date
  readonly revision: number | null
  readonly keys: number | null
  readonly bytes: number
  readonly tags: readonly string[]
  readonly facts: Facts
  readonly manifest: Manifest
  /** Why it is not taken unasked, as `disputed: …`; see `OpenOptions.doubtOf`. */
  readonly doubt?: string
  /** The newest restore for trial. */
  readonly drill?: Drill
}

export interface Drill {
  readonly time: Date
  /** `walked`: restored, and every page looked at. `booted`: an etcd began with it, too. */
  readonly level: 'walked' | 'booted'
  readonly passed: boolean
  /** At most 1 KiB of UTF-8. */
  readonly note: string
  /** Whether this or an earlier one booted and passed, and none has failed since: what retention keeps. */
  readonly proven: boolean
}

export const toolName = `kpipe ${version}`

export function snapshotOf(id: string, manifest: Manifest): Snapshot {
  const { name, member, facts, tags, streams } = manifest
  return {
    id,
    shortId: id.slice(0, 12),
    name,
    member,
    time: new Date(manifest.time),
    revision: numberFact(facts, 'revision'),
    keys: numberFact(facts, 'keys'),
    bytes: streams[0].bytes,
    tags,
    facts,
    manifest,
  }
}

/** How errors name it. */
export function nameOf(snapshot: Snapshot): string {
  return `snapshot ${snapshot.shortId} (${snapshot.name}, ${snapshot.time.toISOString()})`
}

function numberFact(facts: Facts, name: string): number | null {
  const fact = facts[name]
  return typeof fact === 'number' ? fact : null
}
