import { posix } from 'node:path'
import type { Host } from './host.ts'
import { unresolved } from './launch.ts'
import type { Launch, Said } from './launch.ts'
import { documentsIn, fieldsOf } from './pods.ts'

/** Flags of etcd by name, without dashes, each with where it stands. */
export interface EtcdOptions {
  readonly values: ReadonlyMap<string, Said>
  readonly notes: readonly string[]
}

/** Flags that say where an etcd is and what its files are. Others are not read, nor shown: some set passwords by such variables. */
const known = new Set(
  ['name', 'config-file', 'data-dir', 'wal-dir', 'listen-client-urls', 'advertise-client-urls', 'client-cert-auth', 'auto-tls'].concat([
    'trusted-ca-file',
    'cert-file',
    'key-file',
    'peer-trusted-ca-file',
    'peer-cert-file',
    'peer-key-file',
  ]),
)

/** Sections of etcd's configuration file, and what they put before a flag's name. */
const sections: Readonly<Record<string, string>> = { 'client-transport-security': '', 'peer-transport-security': 'peer-' }

/**
 * What etcd goes by, as it reads it itself: a configuration file alone where one is named, else flags, then variables `ETCD_*`.
 * A value in which something is not filled in is left out, with a note.
 */
export async function etcdOptions(host: Host, launch: Launch): Promise<EtcdOptions> {
  const { env, place } = launch
  const flags = flagsIn(launch.args, place)
  const variables = new Map(
    [...env].filter(([name]) => name.startsWith('ETCD_')).map(([name, said]) => [name.slice(5).toLowerCase().replaceAll('_', '-'), said]),
  )
  const notes = [...launch.notes]
  let values = new Map([...variables, ...flags])
  const file = launch.configFile ?? values.get('config-file')?.value
  if (file !== undefined) {
    const path = launch.configFile ?? launch.hostPath(file)
    const read = path === undefined ? { text: undefined, code: 'its place on the host is not known' } : await host.read(path)
    if (read.text === undefined) notes.push(`${place} names the configuration ${file}, which cannot be read (${read.code})`)
    else values = readConfig(read.text, path!, notes)
  }
  values = new Map([...values].filter(([name]) => known.has(name)))
  for (const [name, { value, from }] of values) {
    const missing = unresolved(value)
    if (missing === undefined) continue
    values.delete(name)
    notes.push(`${from} has ${missing}, whose value is not told there`)
  }
  return { values, notes }
}

/** Arguments as Go's flags are read: one dash or two, `=` or the next word, and a flag alone is a switch. The last one counts. */
export function flagsIn(args: readonly string[], place: string): Map<string, Said> {
  const flags = new Map<string, Said>()
  for (let at = 0; at < args.length; at += 1) {
    const [, name, , value] = /^--?([A-Za-z][\w-]*)(=([^]*))?$/.exec(args[at]!) ?? []
    if (name === undefined) continue
    const next = args[at + 1]
    const isSwitch = next === undefined || next.startsWith('-') || /(?:^|-)(?:client-cert-auth|auto-tls)$/.test(name)
    flags.set(name, { value: value ?? (isSwitch ? 'true' : next), from: `--${name} in ${place}` })
    if (value === undefined && !isSwitch) at += 1
  }
  return flags
}

function readConfig(text: string, path: string, notes: string[]): Map<string, Said> {
  try {
    return configOptions(text, path)
  } catch (error) {
    notes.push(`the configuration ${path} is no YAML: ${(error as Error).message}`)
    return new Map()
  }
}

/** @throws Error where it is no YAML */
function configOptions(text: string, path: string): Map<string, Said> {
  const options = new Map<string, Said>()
  const take = (prefix: string, fields: Readonly<Record<string, unknown>>) => {
    for (const [name, value] of Object.entries(fields)) {
      if (Object.hasOwn(sections, name)) take(sections[name]!, fieldsOf(value))
      else if (['string', 'number', 'boolean'].includes(typeof value) && value !== '')
        options.set(prefix + name, { value: String(value), from: `${prefix}${name} in ${path}` })
    }
  }
  take('', fieldsOf(documentsIn(text)[0]))
  return options
}

/** Whether a text is a configuration file of etcd. */
export function isConfig(value: unknown): boolean {
  const names = Object.keys(fieldsOf(value))
  return ['data-dir', 'listen-client-urls', 'advertise-client-urls', 'initial-cluster', ...Object.keys(sections)].some((name) =>
    names.includes(name),
  )
}

/** Path on the host of a file or folder that an option names. */
export function hostPathOf(launch: Launch, option: Said | undefined): Said | undefined {
  if (option === undefined) return undefined
  const { value, from } = option
  if (!posix.isAbsolute(value) && launch.folder === undefined) return undefined
  const inside = posix.isAbsolute(value) ? value : posix.join(launch.folder!, value)
  const path = launch.hostPath(inside)
  if (path === undefined) return undefined
  return { value: path, from: path === value ? from : `${from}, there ${value}` }
}
