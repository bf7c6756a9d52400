import { basename, dirname, join } from 'node:path'
import { shellWord } from '../output/shell-words.ts'

/** How something is started and stopped on a host. */
export type Service =
  | { readonly kind: 'pod'; readonly what: string; readonly manifest: string }
  | { readonly kind: 'unit'; readonly what: string; readonly unit: string }
  | { readonly kind: 'hand'; readonly what: string }

/** @param written absolute path of a static pod's manifest, name of a systemd unit, or `hand` */
export function serviceOf(written: string, what: string): Service {
  if (written === 'hand') return { kind: 'hand', what }
  return written.startsWith('/') ? { kind: 'pod', what, manifest: written } : { kind: 'unit', what, unit: written }
}

/** As a cluster file has it. */
export function writtenService(service: Service): string {
  return service.kind === 'pod' ? service.manifest : service.kind === 'unit' ? service.unit : 'hand'
}

export interface Doing {
  /** Command lines, in order. */
  readonly commands: readonly string[]
  /** What is to be seen, or done where there is no command: a sentence. */
  readonly seen: string
}

/** Where a manifest waits: beside the folder that the kubelet watches, not in it. */
export function asideOf(manifest: string): string {
  return join(`${dirname(manifest)}.stopped`, basename(manifest))
}

export function stopping(service: Service): Doing {
  const { what } = service
  if (service.kind === 'pod') {
    const aside = asideOf(service.manifest)
    return {
      commands: [
        `mkdir -p ${shellWord(dirname(aside))}`,
        `mv ${shellWord(service.manifest)} ${shellWord(aside)}`,
        `while crictl ps -q --name '^${what}$' | grep -q .; do sleep 1; done`,
      ],
      seen: `The kubelet ends the container within a minute; the last line waits for that.`,
    }
  }
  if (service.kind === 'unit')
    return {
      commands: [`systemctl stop ${shellWord(service.unit)}`, `systemctl is-active ${shellWord(service.unit)}`],
      seen: 'The last line says `inactive`, or `failed`.',
    }
  return { commands: [], seen: `Stop ${what}; \`pgrep -a ${what}\` must find nothing.` }
}

export function starting(service: Service): Doing {
  const { what } = service
  if (service.kind === 'pod')
    return {
      commands: [`mv ${shellWord(asideOf(service.manifest))} ${shellWord(service.manifest)}`],
      seen: 'The kubelet starts the container.',
    }
  if (service.kind === 'unit')
    return {
      // etcd says that it is ready when a majority is there: without this, the first host would wait for the others.
      commands: [`systemctl start --no-block ${shellWord(service.unit)}`],
      seen: `\`journalctl -u ${service.unit} -f\` shows what it says.`,
    }
  return { commands: [], seen: `Start ${what}.` }
}

/** What etcdctl is called by there: in a static pod's container, where it is along. @param asks whether it has to ask for a password */
export function etcdctlOf(service: Service, asks: boolean): string {
  return service.kind === 'pod' ? `crictl exec ${asks ? '-it ' : ''}"$(crictl ps -q --name '^etcd$')" etcdctl` : 'etcdctl'
}
