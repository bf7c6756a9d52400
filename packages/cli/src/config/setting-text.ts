import { basename } from 'node:path'
import { pathText } from '@kpipe/engine'
import type { Origin, Setting } from './effective.ts'

/** As programs read it. */
export function settingRow(setting: Setting): Record<string, unknown> {
  return { setting: pathText(setting.path), value: setting.value, from: setting.origin }
}

export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** `backup.yaml:7`, `backup.yaml:7, env ETCD_ENDPOINT`, `--key-file`, `env KPIPE_KEY_FILE` or `default`. */
export function originText(file: string, origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return [`${basename(file)}:${origin.line}`, ...origin.env.map((name) => `env ${name}`), ...origin.files].join(', ')
    case 'flag':
      return origin.name
    case 'environment':
      return `env ${origin.name}`
    case 'default':
      return 'default'
  }
}
