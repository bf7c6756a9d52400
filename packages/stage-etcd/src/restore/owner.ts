import { readFile } from 'node:fs/promises'
import { KpipeError } from '@kpipe/engine/contracts'

export interface Owner {
  readonly user: number
  readonly group: number
}

/**
 * `user:group`, `user` (with its own group) or `:group`, by names of this machine's files or by numbers.
 * @throws KpipeError KPIPE_USAGE when there is no such user or group
 */
export async function readOwner(text: string): Promise<Owner> {
  const [user = '', group] = text.split(':')
  const entry = user === '' ? undefined : await lookUp('/etc/passwd', user)
  if (user !== '' && entry === undefined) throw usage(`${text}: this machine's /etc/passwd has no user ${user}`)
  if (group === undefined || group === '') {
    if (entry?.group === undefined) throw usage(`${text} names no group, and user ${user} has none in /etc/passwd`)
    return { user: entry.id, group: entry.group }
  }
  const found = await lookUp('/etc/group', group)
  if (found === undefined) throw usage(`${text}: this machine's /etc/group has no group ${group}`)
  return { user: entry?.id ?? process.geteuid!(), group: found.id }
}

/** As a person reads it: names where the machine has them. */
export async function ownerText({ user, group }: Owner): Promise<string> {
  const nameOf = async (file: string, id: number) => (await entries(file)).find((entry) => entry.id === id)?.name ?? String(id)
  return `${await nameOf('/etc/passwd', user)}:${await nameOf('/etc/group', group)}`
}

interface Entry {
  readonly name: string
  readonly id: number
  /** Of a user: the group that it belongs to first. */
  readonly group: number | undefined
}

async function lookUp(file: string, name: string): Promise<Entry | undefined> {
  const known = (await entries(file)).find((entry) => entry.name === name)
  if (known !== undefined || !/^\d{1,10}$/.test(name)) return known
  const id = Number(name)
  return (await entries(file)).find((entry) => entry.id === id) ?? { name, id, group: undefined }
}

/** Lines of `name:password:id:…`, in which a user's fourth field is its group. */
async function entries(file: string): Promise<Entry[]> {
  const text = await readFile(file, 'utf8').catch(() => '') // A machine without users has numbers.
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length > 3)
    .map(([name = '', , id, group]) => ({ name, id: Number(id), group: file.endsWith('passwd') ? Number(group) : undefined }))
}

function usage(message: string): KpipeError {
  return new KpipeError('KPIPE_USAGE', message)
}
