import { randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { promisify } from 'node:util'
import { failure, fault, noSuchFile, storeFault } from './fault.js'
import { readPieces, writePieces } from './pieces.js'
import { whileBusy } from './while-busy.js'

/** No object can be called that: names have no dots. */
const unfinished = '.unfinished'
const nameShape = /^(?=.{1,120}$)[a-z0-9-]+(\/[a-z0-9-]+)*$/

/** @type {(session: { sftp: import('ssh2').SFTPWrapper, socket: import('node:net').Socket }, settings: object) => import('@kpipe/engine/contracts').Store} */
export function sftpStore({ sftp, socket }, { host, port, username, path: root }) {
  const call = (method, ...words) => promisify(sftp[method].bind(sftp))(...words)
  const location = `sftp://${username}@${host}:${port}/${root}`
  const pathOf = (name) => {
    if (!nameShape.test(name)) throw fault('KPIPE_STORE_FAILED', `${JSON.stringify(name)} is no name of an object`)
    return posix.join(root, name)
  }
  const unless = (code) => (error) => {
    if (error.code !== code) throw error
  }

  async function makeFolder(path) {
    const stat = await call('stat', path).catch(unless(noSuchFile))
    if (stat) return
    if (posix.dirname(path) !== path) await makeFolder(posix.dirname(path))
    // Somebody else may have made it meanwhile.
    await call('mkdir', path, { mode: 0o700 }).catch((error) => call('stat', path).catch(() => Promise.reject(error)))
  }

  async function read(path, { offset, length } = { offset: 0, length: Infinity }) {
    const stat = await call('stat', path).catch(unless(noSuchFile))
    if (!stat || stat.isDirectory()) return undefined
    const handle = await call('open', path, 'r').catch(unless(noSuchFile))
    if (!handle) return undefined
    try {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, stat.size - offset)))
      return bytes.subarray(0, await readPieces(sftp, handle, bytes, offset))
    } finally {
      await call('close', handle)
    }
  }

  /**
   * Whole and on the server's disk before it has its name, and given the name by a hard link, which fails when the name
   * is taken. (A rename would do, but for servers that overwrite.) A connection that is lost leaves a file among the unfinished.
   */
  async function create(path, bytes) {
    const own = posix.join(root, unfinished, randomBytes(12).toString('hex'))
    await Promise.all([makeFolder(posix.join(root, unfinished)), makeFolder(posix.dirname(path))])
    const handle = await call('open', own, 'wx', { mode: 0o600 })
    try {
      await writePieces(sftp, handle, bytes)
      await extension('ext_openssh_fsync', handle)
      await call('close', handle)
      return await extension('ext_openssh_hardlink', own, path).then(
        () => 'created',
        (error) => taken(error, path, bytes),
      )
    } finally {
      await call('unlink', own).catch(unless(noSuchFile))
    }
  }

  /** Perhaps it was taken by this very object, when the answer to an earlier call got lost. */
  async function taken(error, path, bytes) {
    const other = error.code === failure ? await read(path) : undefined
    if (other === undefined) throw error
    return bytes.equals(other) ? 'created' : 'exists'
  }

  function extension(method, ...words) {
    return call(method, ...words).catch((error) => {
      if (!/does not support/.test(error.message)) throw error
      throw fault('KPIPE_STORE_UNSUITABLE', `${host} does not know the extensions of OpenSSH, hardlink and fsync`)
    })
  }

  async function objectsIn(folder) {
    const entries = (await call('readdir', posix.join(root, folder)).catch(unless(noSuchFile))) ?? []
    const found = []
    for (const { filename, attrs } of entries) {
      if (filename === unfinished) continue
      if (attrs.isDirectory()) found.push(...(await objectsIn(`${folder}${filename}/`)))
      else found.push({ name: folder + filename, bytes: attrs.size })
    }
    return found
  }

  const busy = whileBusy(socket)
  const telling = (what, work) => busy(work).catch((error) => Promise.reject(storeFault(error, `${location}: ${what}`)))
  return {
    location,
    create: (name, parts) => telling(name, () => create(pathOf(name), Buffer.concat(parts))),
    read: (name, range) => telling(name, () => read(pathOf(name), range)),
    async *list(prefix, after = '') {
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
      const found = await telling(prefix, () => objectsIn(folder))
      const wanted = found.filter(({ name }) => name.startsWith(prefix) && name > after)
      yield* wanted.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    },
    remove: (name) =>
      telling(name, async () => {
        const path = pathOf(name)
        const stat = await call('lstat', path).catch(unless(noSuchFile))
        if (stat && !stat.isDirectory()) await call('unlink', path).catch(unless(noSuchFile))
      }),
  }
}
