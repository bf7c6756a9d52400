import type { Doing } from './service.ts'
import type { Part } from './step.ts'

/** Hosts of which the same is asked stand together. */
export function grouped<Place extends { readonly host: string }>(places: readonly Place[], doing: (place: Place) => Doing): Part[] {
  const parts = new Map<string, { hosts: string[]; doing: Doing }>()
  for (const place of places) {
    const wanted = doing(place)
    const key = JSON.stringify(wanted)
    const part = parts.get(key) ?? { hosts: [], doing: wanted }
    part.hosts.push(place.host)
    parts.set(key, part)
  }
  return [...parts.values()].map(({ hosts, doing: { commands, seen } }) => ({ hosts, commands, seen }))
}
