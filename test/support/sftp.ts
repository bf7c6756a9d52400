import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { dropFolder, ownChild, ownFolder } from '../../scripts/children.ts'
import { unpackDebian } from '../../scripts/debian/unpack.ts'
import { clone } from './kpipe.ts'

/** Settings of the store `store-sftp`, but for its path. */
export interface SftpServer {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly privateKey: string
  readonly hostKey: string
}

export const sftpPassword = 'of the test'

/** A real SFTP server for `folder`, gone after the test. Its files and keys lie in `place`. */
export async function sftpServer(t: { after(done: () => void): void }, place: string, folder: string): Promise<SftpServer> {
  const privateKey = join(place, 'id_rsa')
  const { privateKey: pem } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  await writeFile(privateKey, pem, { mode: 0o600 })
  const env = { ...process.env, SFTP_PROGRAM: await sftpProgram(), SFTP_FOLDER: folder, SFTP_PASSWORD: sftpPassword, SFTP_KEY: privateKey }
  const words = ['-u', 'NODE_OPTIONS', process.execPath, join(import.meta.dirname, 'sftp-server.mjs')]
  const child = ownChild('env', words, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [said] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string]
  const [port, hostKey] = said.trim().split(' ')
  return { host: '127.0.0.1', port: Number(port), username: 'kpipe', privateKey, hostKey: hostKey! }
}

const cached = join(clone, '.cache/openssh', process.arch, 'sftp-server')

/** OpenSSH's own, of this machine or out of its package. */
async function sftpProgram(): Promise<string> {
  const found = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/lib/ssh/sftp-server', cached].find(existsSync)
  if (found !== undefined) return found
  await mkdir(dirname(cached), { recursive: true })
  const work = ownFolder('.debian-', dirname(cached))
  try {
    const root = await unpackDebian(['openssh-sftp-server'], work)
    await copyFile(join(root, 'usr/lib/openssh/sftp-server'), join(work, 'sftp-server'))
    await chmod(join(work, 'sftp-server'), 0o755)
    await rename(join(work, 'sftp-server'), cached)
  } finally {
    dropFolder(work)
  }
  return cached
}
