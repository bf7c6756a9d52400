import { posix } from 'node:path'
import { environmentFile } from './environment-file.ts'
import type { Host } from './host.ts'
import { saidIn } from './launch.ts'
import type { Launch, Said } from './launch.ts'
import { argumentsOf } from './shell-words.ts'
import { serviceSettings } from './unit-file.ts'
import type { UnitSetting, UnitText } from './unit-file.ts'
import { unitWords, withVariables } from './unit-words.ts'

/** Where systemd looks for units, the strongest first. */
export const unitFolders = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
]

/** How a unit starts etcd; undefined when it starts none. */
export async function unitLaunch(host: Host, unit: UnitText): Promise<Launch | undefined> {
  const texts = [unit, ...(await dropIns(host, unit.path))]
  const settings = serviceSettings(texts).map((setting) => ({ ...setting, value: withSpecifiers(setting.value, unit.path, host.name) }))
  const { env, notes } = await environmentOf(host, settings)
  const variables = new Map([...env].map(([name, { value }]) => [name, value]))
  for (const { value } of settings.filter(({ name }) => name === 'ExecStart')) {
    const [, prefixes = '', line = ''] = /^([@\-:+!|]*)([^]*)$/.exec(value)!
    const words = unitWords(line)
    // After @ follows what the program is to be called.
    if (prefixes.includes('@')) words.splice(1, 1)
    const command = argumentsOf('etcd', prefixes.includes(':') ? words : withVariables(words, variables), variables)
    if (command === undefined) continue
    return {
      kind: 'unit',
      place: unit.path,
      args: command.args,
      env: new Map([...env, ...saidIn(unit.path, command.assigned)]),
      hostPath: (path) => path,
      folder: settings.findLast(({ name }) => name === 'WorkingDirectory')?.value.replace(/^-/, '') ?? '/',
      local: true,
      notes,
    }
  }
  return undefined
}

/** Drop-ins of a unit: of two with the same name the stronger folder's, in the order of their names. */
async function dropIns(host: Host, path: string): Promise<UnitText[]> {
  const [folder, name] = [posix.dirname(path), posix.basename(path)]
  const folders = unitFolders.includes(folder) ? unitFolders : [folder]
  const found = new Map<string, string>()
  for (const place of folders) {
    const inside = posix.join(place, `${name}.d`)
    for (const file of await host.list(inside)) if (file.endsWith('.conf') && !found.has(file)) found.set(file, posix.join(inside, file))
  }
  const texts = await Promise.all(
    [...found].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(async ([, file]) => ({ path: file, ...(await host.read(file)) })),
  )
  return texts.flatMap(({ path: file, text }) => (text === undefined ? [] : [{ path: file, text }]))
}

/** What files say wins over what the unit itself says. */
async function environmentOf(host: Host, settings: readonly UnitSetting[]): Promise<{ env: Map<string, Said>; notes: string[] }> {
  const env = new Map<string, Said>()
  const notes: string[] = []
  const set = (from: string, values: Iterable<readonly [string, string]>) => {
    for (const [name, said] of saidIn(from, values)) env.set(name, said)
  }
  for (const { name, value, path } of settings) {
    if (name !== 'Environment') continue
    set(path, unitWords(value).flatMap((word) => (word.includes('=') ? [[word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]] : []))) // prettier-ignore
  }
  for (const { name, value, path } of settings) {
    if (name !== 'EnvironmentFile') continue
    const named = value.replace(/^-/, '').replace(/^"(.*)"$/, '$1')
    for (const file of await matching(host, named)) {
      const read = await host.read(file)
      if (read.text !== undefined) set(file, environmentFile(read.text))
      else if (!value.startsWith('-') || read.code !== 'ENOENT')
        notes.push(`${path} names the file ${file}, which cannot be read (${read.code})`)
    }
  }
  return { env, notes }
}

/** Files of a path whose last part may be a pattern. */
async function matching(host: Host, path: string): Promise<string[]> {
  const [folder, name] = [posix.dirname(path), posix.basename(path)]
  if (!/[*?[]/.test(name)) return [path]
  const pattern = new RegExp(
    `^${name
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  )
  return (await host.list(folder)).filter((file) => pattern.test(file)).map((file) => posix.join(folder, file))
}

/** Those that units of etcd use; `man systemd.unit`, specifiers. */
function withSpecifiers(text: string, path: string, host: string): string {
  const unit = posix.basename(path)
  const [, prefix = unit, instance = ''] = /^([^@]*?)(?:@([^]*))?\.service$/.exec(unit) ?? []
  const values: Readonly<Record<string, string>> = {
    '%': '%',
    n: unit,
    N: unit.replace(/\.service$/, ''),
    p: prefix,
    i: instance,
    I: instance,
    H: host,
    l: host.split('.', 1)[0]!,
    S: '/var/lib',
    E: '/etc',
    t: '/run',
  }
  return text.replace(/%(.)/g, (piece, letter: string) => values[letter] ?? piece)
}
