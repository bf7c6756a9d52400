import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { readSecretFile } from './secret.ts'
import type { Secret } from './secret.ts'

const linePattern = /^kpipe-key:1:([0-9a-f]{64}):([0-9a-f]{8})$/

/** `kpipe-key:1:<32 bytes in hex>:<first 4 bytes of SHA-256 of all before the last colon, in hex>` and a line feed. */
export function formatKey(key: Uint8Array): string {
  const start = `kpipe-key:1:${Buffer.from(key).toString('hex')}`
  return `${start}:${checksum(start)}\n`
}

/** @throws KpipeError KPIPE_KEY_MALFORMED */
export function parseKey(text: string, path: string): Uint8Array {
  const line = text.trim()
  const match = linePattern.exec(line)
  if (match === null) throw new KpipeError('KPIPE_KEY_MALFORMED', `${path} is not a key of kpipe: ${seen(line)}`, { file: path })
  const [, key, sum] = match
  if (checksum(`kpipe-key:1:${key}`) !== sum)
    throw new KpipeError('KPIPE_KEY_MALFORMED', `the key in ${path} was altered: its checksum does not match`, { file: path })
  return Buffer.from(key, 'hex')
}

/** @throws KpipeError KPIPE_KEY_MISSING, KPIPE_KEY_UNREADABLE, KPIPE_KEY_MALFORMED */
export async function readKeyFile(path: string): Promise<Secret> {
  return { kind: 'key-file', key: parseKey(await readSecretFile(path, 'key file'), path), file: path }
}

/**
 * Makes a new key, mode 0600, durable when this resolves; missing folders get mode 0700. The name shows a whole key or nothing.
 * @throws KpipeError KPIPE_TARGET_EXISTS, KPIPE_KEY_UNREADABLE
 */
export async function createKeyFile(path: string): Promise<Secret> {
  const key = randomBytes(32)
  const folder = dirname(resolve(path))
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeDurably(draft, formatKey(key))
    await link(draft, path).catch(async (error: NodeJS.ErrnoException) => {
      // Keys are kept on sticks with file systems that know no links.
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(error.code ?? '')) throw error
      await writeDurably(path, formatKey(key))
    })
    const handle = await open(folder)
    await handle.sync().finally(() => handle.close())
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    if (code === 'EEXIST') throw new KpipeError('KPIPE_TARGET_EXISTS', `a file named ${path} exists`, { file: path }, { cause })
    throw new KpipeError('KPIPE_KEY_UNREADABLE', `the key file ${path} cannot be made: ${code}`, { file: path }, { cause })
  } finally {
    await rm(draft, { force: true })
  }
  return { kind: 'key-file', key, file: path }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}

function seen(line: string): string {
  if (line === '') return 'it is empty'
  if (line.startsWith('kpipe-key:1:')) return `it has ${line.length} characters, not 85; it may be cut off`
  if (line.startsWith('kpipe-key:')) return 'it is of a version that this kpipe does not know'
  if (line.startsWith('-----BEGIN')) return 'it is a PEM file'
  return 'it does not begin with "kpipe-key:"'
}
