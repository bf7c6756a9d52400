import { connect } from './connect.js'
import { sftpStore } from './store.js'

const text = (description, more = {}) => ({ type: 'string', minLength: 1, description, ...more })

/** A repository in a folder of another host. @type {import('@kpipe/engine/contracts').StoreStage} */
export default {
  kind: 'store',
  summary: 'keeps a repository in a folder behind SFTP',
  settings: {
    type: 'object',
    properties: {
      host: text('Name or address of the server.', { examples: ['backup.example'] }),
      port: { type: 'integer', minimum: 1, maximum: 65535, default: 22, description: 'Port of the server.' },
      username: text('User there.', { examples: ['kpipe'] }),
      privateKey: text('File of the private key, without a passphrase.', { format: 'path', examples: ['/etc/kpipe/id_ed25519'] }),
      password: text('Password of the user, out of the environment or a file, in place of a key.'),
      hostKey: text('Fingerprint of the server’s key, as `ssh-keygen -l` shows it.', {
        pattern: '^SHA256:[A-Za-z0-9+/]{43}$',
        examples: ['SHA256:0123456789abcdefghijklmnopqrstuvwxyzABCDEFG'],
      }),
      path: text('Folder there; relative to the user’s home.', { examples: ['kpipe'] }),
    },
    required: ['host', 'username', 'hostKey', 'path'],
    additionalProperties: false,
  },

  async open(settings, { signal }) {
    return sftpStore(await connect(settings, signal), settings)
  },
}
