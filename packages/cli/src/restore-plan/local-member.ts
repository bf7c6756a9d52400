import { hostname, networkInterfaces } from 'node:os'
import { KpipeError } from '@kpipe/engine/contracts'
import type { PlannedMember } from './decide.ts'

/** How a host is called. */
export interface Host {
  readonly name: string
  readonly addresses: readonly string[]
}

export function thisHost(): Host {
  const addresses = Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address))
  return { name: hostname(), addresses }
}

/**
 * The member of a plan that belongs to this host: by its name in the plan when that is given, else by host name, and by address where no
 * name fits.
 * @throws KpipeError KPIPE_USAGE when none fits, or several
 */
export function localMember(members: readonly PlannedMember[], named: string | undefined, host: Host): PlannedMember {
  const names = members.map(({ name }) => name).join(', ')
  if (named !== undefined) {
    const member = members.find(({ name }) => name === named)
    if (member === undefined) throw new KpipeError('KPIPE_USAGE', `the plan has no member ${named}; its members are ${names}`)
    return member
  }
  const short = (text: string) => text.toLowerCase().split('.', 1)[0]
  const isName = ({ host: given, name }: PlannedMember) => [given, name].some((text) => text.toLowerCase() === host.name.toLowerCase())
  const isShortName = ({ host: given }: PlannedMember) => !/^[\d.:]+$/.test(given) && short(given) === short(host.name)
  const hasAddress = (member: PlannedMember) => hostsOf(member).some((text) => host.addresses.includes(text))
  for (const fits of [isName, isShortName, hasAddress]) {
    const found = members.filter(fits)
    if (found.length === 1) return found[0]!
    if (found.length > 1)
      throw new KpipeError(
        'KPIPE_USAGE',
        `this host, ${host.name}, fits several members of the plan: ${found.map(({ name }) => name).join(', ')}`,
      )
  }
  throw new KpipeError('KPIPE_USAGE', `this host, ${host.name}, is none of the plan's, whose members are ${names}`)
}

function hostsOf({ host, peerUrls }: PlannedMember): string[] {
  return [host, ...peerUrls.map((url) => (URL.parse(url)?.hostname ?? '').replace(/^\[|\]$/g, ''))]
}
