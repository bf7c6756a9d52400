import { access, chmod, constants, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { dropFolder, ownFolder } from '../children.ts'
import { binariesAt, binariesIn, type EtcdBinaries, type EtcdLine } from './binaries.ts'
import { fromDebian } from './from-debian.ts'
import { fromGo } from './from-go.ts'

export type { EtcdBinaries, EtcdLine } from './binaries.ts'

/** Debian keeps one 3.4; the others are built from Go modules at exactly these versions. */
const pinned: Record<EtcdLine, string> = { '3.4': '3.4-debian', '3.5': '3.5.35', '3.6': '3.6.16', '3.7': '3.7.3' }
const cache = join(import.meta.dirname, '../../.cache/etcd')

/**
 * Finds an etcd of this line, or gets one: from PATH, the project's cache folder, Debian's packages (3.4) or Go modules (others).
 * Changes nothing on the machine outside the cache folder (and Go's own caches).
 * @throws Error in one sentence that names all that was tried
 */
export async function getEtcd(options: {
  version: EtcdLine
  log?: (message: string) => void
  cacheFolder?: string
}): Promise<EtcdBinaries> {
  const { version: line, log = () => {}, cacheFolder = cache } = options
  const folder = join(cacheFolder, `${pinned[line]}-${process.arch}`)
  const attempts: [name: string, attempt: () => Promise<EtcdBinaries>][] = [
    ['PATH', () => fromPath(line)],
    ['the cache', () => binariesIn(folder, line)],
    [line === '3.4' ? "Debian's packages" : `Go modules (${pinned[line]})`, () => intoCache(line, folder, log)],
  ]
  const tried: string[] = []
  for (const [name, attempt] of attempts) {
    try {
      return await attempt()
    } catch (error) {
      tried.push(`${name}: ${(error as Error).message}`)
    }
  }
  throw new Error(`no etcd ${line} can be had (${tried.join('; ')})`)
}

async function fromPath(line: EtcdLine): Promise<EtcdBinaries> {
  const [etcd, etcdctl, etcdutl] = await Promise.all([which('etcd'), which('etcdctl'), which('etcdutl')])
  return binariesAt({ ...(etcd && { etcd }), ...(etcdctl && { etcdctl }), ...(etcdutl && { etcdutl }) }, line)
}

async function which(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(':').filter(Boolean)) {
    const file = join(folder, name)
    const there = await access(file, constants.X_OK).then(
      () => true,
      () => false, // not in this folder of PATH
    )
    if (there) return file
  }
  return undefined
}

async function intoCache(line: EtcdLine, folder: string, log: (message: string) => void): Promise<EtcdBinaries> {
  await mkdir(dirname(folder), { recursive: true })
  // Filled beside its place and renamed: what has the name is whole, and of two that do this at once either is right.
  const draft = ownFolder('.new-', dirname(folder))
  try {
    await (line === '3.4' ? fromDebian(line, draft, log) : fromGo(pinned[line], draft, log))
    await binariesIn(draft, line)
    await chmod(draft, 0o755)
    await rename(draft, folder).catch(async () => {
      const whole = await binariesIn(folder, line).then(
        () => true,
        () => false, // what has the name was damaged later
      )
      if (whole) return
      await rm(folder, { recursive: true, force: true })
      await rename(draft, folder)
    })
    return await binariesIn(folder, line)
  } finally {
    dropFolder(draft)
  }
}

if (import.meta.main) {
  const lines = process.argv.slice(2)
  if (lines.length === 0 || !lines.every((line): line is EtcdLine => line in pinned)) {
    console.error(`usage: get-etcd.ts ${Object.keys(pinned).join(' | ')} …`)
    process.exit(64)
  }
  for (const version of lines) {
    try {
      const { version: exact, etcd } = await getEtcd({ version, log: console.error })
      console.log(`etcd ${exact}: ${etcd}`)
    } catch (error) {
      console.error((error as Error).message)
      process.exitCode = 1
    }
  }
}
