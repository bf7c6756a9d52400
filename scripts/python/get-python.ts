import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { dropFolder, ownFolder } from '../children.ts'
import { unpackDebian } from '../debian/unpack.ts'
import { runTool } from '../etcd/run-tool.ts'

/** A Python 3 of the machine that finds the packages of the second reader: run `program` with `env` in its environment. */
export interface Python {
  readonly program: string
  readonly env: Readonly<Record<string, string>>
}

const clone = join(import.meta.dirname, '../..')
const requirements = join(clone, 'second-reader/requirements.txt')
const cache = join(clone, '.cache/second-reader')
const program = 'python3'

/**
 * Finds the packages in the project's cache folder, or gets them with pip: the machine's, the one in Python's venv, or Debian's unpacked.
 * Changes nothing on the machine outside the cache folder (and pip's own cache).
 * @throws Error in one sentence that names all that was tried
 */
export async function getPython(options: { log?: (message: string) => void; cacheFolder?: string } = {}): Promise<Python> {
  const { log = () => {}, cacheFolder = cache } = options
  const folder = join(cacheFolder, `${await machinesPython()}-${await pinned()}`)
  const tried: string[] = []
  for (const [name, attempt] of [
    ['the cache', () => pythonWith(folder)],
    ["Python's pip", () => intoCache(folder, log, async () => pip([program]))],
    ["Python's venv", () => intoCache(folder, log, pipOfVenv)],
    ["Debian's pip", () => intoCache(folder, log, pipOfDebian)],
  ] as const) {
    try {
      return await attempt()
    } catch (error) {
      tried.push(`${name}: ${(error as Error).message}`)
    }
  }
  throw new Error(`no Python with the packages of ${requirements} can be had (${tried.join('; ')})`)
}

/** A way to call pip: a program, its first arguments and its environment. */
type Pip = readonly [program: string, args: readonly string[], env: Readonly<Record<string, string>>]

const pip = ([python]: readonly [string], env: Readonly<Record<string, string>> = {}): Pip => [python, ['-m', 'pip'], env]

async function pipOfVenv(work: string): Promise<Pip> {
  await runTool(program, ['-m', 'venv', join(work, 'venv')])
  return pip([join(work, 'venv/bin/python3')])
}

async function pipOfDebian(work: string): Promise<Pip> {
  const root = await unpackDebian(['python3-pip'], work)
  return pip([program], { PYTHONPATH: join(root, 'usr/lib/python3/dist-packages') })
}

async function machinesPython(): Promise<string> {
  const ask = 'import platform, sys; print(sys.implementation.cache_tag, sys.version_info >= (3, 10), platform.machine(), sep="-")'
  const answer = await runTool(program, ['-c', ask]).catch((error: Error) => {
    throw new Error(`no Python can be had (${error.message})`)
  })
  if (!answer.includes('-True-'))
    throw new Error(`no Python can be had (${program} is ${answer.split('-').slice(0, 2).join('-')}, older than 3.10)`)
  return answer.trim().replace('-True-', '-')
}

async function pinned(): Promise<string> {
  return createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12)
}

/** @throws Error when a package does not load from the folder */
async function pythonWith(folder: string): Promise<Python> {
  const env = { PYTHONPATH: folder, PYTHONNOUSERSITE: '1', PYTHONDONTWRITEBYTECODE: '1' }
  const check = 'import cryptography, zstandard; print(cryptography.__file__, zstandard.__file__, sep="\\n")'
  const files = await runTool(program, ['-c', check], { env: { ...process.env, ...env } })
  if (
    !files
      .trim()
      .split('\n')
      .every((file) => file.startsWith(folder))
  )
    throw new Error(`${folder} does not have all packages`)
  return { program, env }
}

async function intoCache(folder: string, log: (message: string) => void, findPip: (work: string) => Promise<Pip>): Promise<Python> {
  await mkdir(dirname(folder), { recursive: true })
  const work = ownFolder('.pip-', dirname(folder))
  // Filled beside its place and renamed: what has the name is whole, and of two that do this at once either is right.
  const draft = ownFolder('.new-', dirname(folder))
  try {
    const [tool, args, env] = await findPip(work)
    log('installing the Python packages of the second reader')
    const options = ['--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--no-input', '--quiet']
    await runTool(tool, [...args, 'install', ...options, `--target=${draft}`, `--requirement=${requirements}`], {
      env: { ...process.env, ...env },
    })
    await pythonWith(draft)
    await chmod(draft, 0o755)
    await rename(draft, folder).catch(async () => {
      const whole = await pythonWith(folder).then(
        () => true,
        () => false, // what has the name was damaged later
      )
      if (whole) return
      await rm(folder, { recursive: true, force: true })
      await rename(draft, folder)
    })
    return await pythonWith(folder)
  } finally {
    dropFolder(draft)
    dropFolder(work)
  }
}
