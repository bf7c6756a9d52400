import { access, chmod, cp, mkdir, readdir, rename } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { dropFolder, ownFolder } from '../../scripts/children.ts'
import { unpackDebian } from '../../scripts/debian/unpack.ts'
import { runTool } from '../../scripts/etcd/run-tool.ts'

/** A program of others, and what it needs in its environment. */
export interface Program {
  readonly command: string
  readonly env: Readonly<Record<string, string>>
  readonly version: string
}

export type ProgramName = 'restic' | 'borg' | 'rustic'

const cache = join(import.meta.dirname, '../../.cache/peers')
/** borg is Python: what of it a Debian has only with borg itself comes along. */
const debianPackages = {
  restic: ['restic'],
  borg: ['borgbackup', 'python3-msgpack', 'python3-packaging', 'python3-pkg-resources', 'libxxhash0'],
}
const rusticVersion = '0.11.4'

/**
 * Finds a program on PATH or in the project's cache folder, or gets it: restic and borg from Debian's packages, unpacked without root, rustic
 * built by cargo, which takes minutes.
 * @throws Error in one sentence that names all that was tried
 */
export async function getProgram(name: ProgramName, log: (line: string) => void): Promise<Program> {
  const folder = join(cache, `${name}-${process.arch}`)
  const tried: string[] = []
  for (const [place, attempt] of [
    ['PATH', () => checked(name, name, {})],
    ['the cache', () => inCache(name, folder)],
    [name === 'rustic' ? 'cargo' : "Debian's packages", () => intoCache(name, folder, log)],
  ] as const) {
    try {
      return await attempt()
    } catch (error) {
      tried.push(`${place}: ${(error as Error).message.split('\n')[0]}`)
    }
  }
  throw new Error(`no ${name} can be had (${tried.join('; ')})`)
}

async function inCache(name: ProgramName, folder: string): Promise<Program> {
  if (name === 'rustic') return checked(name, join(folder, 'bin/rustic'), {})
  const root = join(folder, 'usr')
  await access(root)
  if (name === 'restic') return checked(name, join(root, 'bin/restic'), {})
  const libraries = await readdir(join(root, 'lib'))
  const env = {
    PYTHONPATH: join(root, 'lib/python3/dist-packages'),
    LD_LIBRARY_PATH: libraries.map((library) => join(root, 'lib', library)).join(delimiter),
  }
  return checked(name, join(root, 'bin/borg'), env)
}

async function checked(name: ProgramName, command: string, env: Record<string, string>): Promise<Program> {
  const told = await runTool(command, name === 'restic' ? ['version'] : ['--version'], { env: { ...process.env, ...env } })
  const version = /\d+\.\d+\.\d+/.exec(told)?.[0]
  if (version === undefined) throw new Error(`${command} says ${told.trim()} when asked for its version`)
  return { command, env, version }
}

async function intoCache(name: ProgramName, folder: string, log: (line: string) => void): Promise<Program> {
  await mkdir(dirname(folder), { recursive: true })
  const draft = ownFolder('.new-', dirname(folder))
  try {
    if (name === 'rustic') await build(draft, log)
    else {
      log(`downloading ${name} from Debian's packages`)
      const root = await unpackDebian(debianPackages[name], draft)
      await cp(join(root, 'usr'), join(draft, 'made/usr'), { recursive: true, verbatimSymlinks: true })
    }
    const made = join(draft, 'made')
    await chmod(made, 0o755)
    await rename(made, folder)
    return await inCache(name, folder)
  } finally {
    dropFolder(draft)
  }
}

async function build(draft: string, log: (line: string) => void): Promise<void> {
  log(`building rustic ${rusticVersion} with cargo; this takes minutes`)
  const args = ['install', 'rustic-rs', '--version', rusticVersion, '--locked', '--root', join(draft, 'made')]
  await runTool('cargo', args, { env: { ...process.env, CARGO_TARGET_DIR: join(draft, 'target') } })
}
