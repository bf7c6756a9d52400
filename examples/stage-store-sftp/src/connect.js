import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connect as dial } from 'node:net'
import { Client } from 'ssh2'
import { fault } from './fault.js'

const readyTimeoutMs = 20_000

/**
 * An SFTP session with exactly this server, closed by the signal; and its socket, to say whether the process has to
 * stay for it.
 */
export async function connect({ host, port, username, privateKey, password, hostKey }, signal) {
  signal.throwIfAborted()
  const key = privateKey === undefined ? undefined : await readFile(privateKey)
  // Requests are small and each waits for its answer.
  const socket = dial({ host, port, noDelay: true, keepAlive: true })
  signal.addEventListener('abort', () => socket.destroy(), { once: true })
  const client = new Client()
  const sftp = await new Promise((resolve, reject) => {
    let seen = hostKey
    client.on('error', (error) => reject(refusal(error, `${username}@${host}:${port}`, hostKey, seen)))
    client.on('close', () => reject(fault('KPIPE_STORE_FAILED', `${host}:${port} closed the connection`)))
    client.on('ready', () => {
      client.sftp((error, session) => (error ? reject(fault('KPIPE_STORE_FAILED', error.message)) : resolve(session)))
    })
    client.connect({
      sock: socket,
      username,
      password,
      privateKey: key,
      readyTimeout: readyTimeoutMs,
      hostVerifier(offered) {
        seen = `SHA256:${createHash('sha256').update(offered).digest('base64').replace(/=$/, '')}`
        return seen === hostKey
      },
    })
  })
  return { sftp, socket }
}

function refusal(error, where, wanted, seen) {
  if (seen !== wanted) return fault('KPIPE_STORE_FORBIDDEN', `${where} shows the key ${seen}, not ${wanted}`)
  if (error.level === 'client-authentication') return fault('KPIPE_STORE_FORBIDDEN', `${where} lets nobody in with this key or password`)
  return fault('KPIPE_STORE_FAILED', `${where} cannot be reached: ${error.message}`)
}
