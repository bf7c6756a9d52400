// An SSH server on a free port of this host, whose SFTP is OpenSSH's own program. It says `port fingerprint` and lets in
// whoever has the key or the password of the environment.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import ssh2 from 'ssh2'

const { SFTP_PROGRAM: program, SFTP_FOLDER: folder, SFTP_PASSWORD: password, SFTP_KEY: keyFile } = process.env
const { private: hostKey, public: publicHostKey } = ssh2.utils.generateKeyPairSync('ed25519')
const userKey = ssh2.utils.parseKey(readFileSync(keyFile))

const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
  client.setNoDelay(true) // as sshd does
  client.on('error', () => {}) // a client that dies is what some tests are about
  client.on('authentication', (context) => (letsIn(context) ? context.accept() : context.reject(['publickey', 'password'])))
  client.on('session', (acceptSession) => {
    acceptSession().on('subsystem', (accept) => {
      const channel = accept()
      const child = spawn(program, ['-d', folder], { stdio: ['pipe', 'pipe', 'inherit'] })
      channel.pipe(child.stdin).on('error', () => {}) // it has ended before all was said
      child.stdout.pipe(channel)
      channel.on('close', () => child.kill())
    })
  })
})

function letsIn(context) {
  if (context.method === 'password') return context.password === password
  if (context.method !== 'publickey' || !context.key.data.equals(userKey.getPublicSSH())) return false
  return context.signature === undefined || userKey.verify(context.blob, context.signature, context.hashAlgo) === true
}

server.listen(0, '127.0.0.1', () => {
  const bytes = Buffer.from(publicHostKey.split(' ')[1], 'base64')
  const fingerprint = createHash('sha256').update(bytes).digest('base64').replace(/=$/, '')
  console.log(`${server.address().port} SHA256:${fingerprint}`)
})
