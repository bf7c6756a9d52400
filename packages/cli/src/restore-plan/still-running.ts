import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Service } from './service.ts'

const timeoutMs = 10_000

/** Why something would run, or be started by others, as the end of a sentence; undefined when it is stopped, or nobody here can tell. */
export async function stillRunning(service: Service): Promise<string | undefined> {
  if (service.kind === 'pod')
    return existsSync(service.manifest) ? `its manifest ${service.manifest} is in place, and the kubelet starts it` : undefined
  if (service.kind === 'hand') return undefined
  const state = await unitState(service.unit)
  return ['active', 'activating', 'reloading', 'deactivating'].includes(state) ? `its unit ${service.unit} is ${state}` : undefined
}

/** What `systemctl is-active` says; nothing where there is no systemd. */
function unitState(unit: string): Promise<string> {
  return new Promise((resolve) =>
    execFile('systemctl', ['is-active', unit], { timeout: timeoutMs }, (_error, stdout) => resolve(stdout.trim())),
  )
}
