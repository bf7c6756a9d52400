import { useStage } from '@kpipe/engine'
import type { LoadedStage } from '@kpipe/engine'
import type { SourceStage } from '@kpipe/engine/contracts'
import { openStages } from '../where/stages.ts'
import { hostAndPort } from './endpoints.ts'
import type { Host } from './host.ts'
import type { PlaceKind, Said } from './launch.ts'
import type { TlsChoice } from './tls-choice.ts'

/** A setting of the source, and where it comes from. Never a password, but a reference to one. */
export interface FoundSetting extends Said {
  readonly name: string
}

export interface SourceSettings {
  /** The source as it is to be called. */
  load(endpoints: readonly string[]): Promise<LoadedStage<SourceStage>>
  /** What a pipeline file says beside endpoints. */
  written(endpoints: readonly string[]): readonly FoundSetting[]
  /** Where a password comes from that no file refers to. */
  readonly passwordNote: string | undefined
}

/**
 * Settings of TLS, and what variables of etcdctl in this shell add to them, such as a user, unless they are of another cluster. Anybody
 * may run a process called etcd: one gets a password only where the variables name its address.
 */
export async function sourceSettings(host: Host, kind: PlaceKind, candidates: readonly Said[], tls: TlsChoice): Promise<SourceSettings> {
  const stages = openStages(new Map())
  const use = (settings: object) => useStage(stages, 'source', 'etcd', settings, process.cwd())
  const endpoints = candidates.map(({ value }) => value)
  const { stage } = await use({ endpoints })
  const given = valuesOf(tlsSettings(tls))
  const filled = isSameCluster(host, kind, candidates) ? (stage.fromEnvironment?.({ ...given, endpoints }, host.env) ?? {}) : {}
  const fromShell = Object.entries(filled).map(([name, { value, variable }]) => ({ name, value: String(value), from: variable }))
  const all = [...tlsSettings(tls), ...fromShell]
  const passwordFrom = filled['password']?.variable
  return {
    load: (called) => use({ ...valuesOf(fitting(all, called)), endpoints: called }),
    written: (called) =>
      fitting(all, called).flatMap((setting) => {
        if (setting.name !== 'password') return [setting]
        return passwordFrom === 'ETCDCTL_PASSWORD' ? [{ ...setting, value: '${env:ETCDCTL_PASSWORD}' }] : []
      }),
    passwordNote: passwordFrom === 'ETCDCTL_USER' ? 'The password is taken from ETCDCTL_USER when kpipe runs.' : undefined,
  }
}

function tlsSettings({ cacert, pair }: TlsChoice): FoundSetting[] {
  const found = { cacert, cert: pair?.cert, key: pair?.key }
  return Object.entries(found).flatMap(([name, said]) => (said === undefined ? [] : [{ ...said, name }]))
}

/** Settings of TLS are refused where no endpoint has it. */
function fitting(settings: readonly FoundSetting[], endpoints: readonly string[]): FoundSetting[] {
  const isPlain = endpoints.every((endpoint) => endpoint.startsWith('http:'))
  return settings.filter(({ name }) => !isPlain || !['cacert', 'cert', 'key'].includes(name))
}

function valuesOf(settings: readonly FoundSetting[]): Record<string, string> {
  return Object.fromEntries(settings.map(({ name, value }) => [name, value]))
}

/** As far as the variables tell. */
function isSameCluster({ env }: Host, kind: PlaceKind, candidates: readonly Said[]): boolean {
  const named = (env['ETCDCTL_ENDPOINTS'] ?? '').split(',').filter((text) => text.trim() !== '')
  if (named.length === 0) return kind !== 'process'
  return named.some((text) => candidates.some(({ value }) => hostAndPort(value) === hostAndPort(text.trim())))
}
