import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions } from 'node:tls'
import type { Endpoint } from './endpoint.ts'
import type { TlsFiles, TlsSettings } from './tls-files.ts'

/** What TLS to one endpoint is made of. */
export interface TlsPeer {
  readonly endpoint: Endpoint
  readonly settings: TlsSettings
  readonly files: TlsFiles
}

/** HTTP/2 is agreed on in the handshake, and nothing else is of use. */
const alpn = ['h2']

/**
 * An IP address is never sent as server name: RFC 6066 forbids it, and Node throws from 26 on. The certificate is checked against it all
 * the same.
 */
export function optionsOf(peer: TlsPeer): ConnectionOptions {
  const { authorities, client } = peer.files
  const name = expectedName(peer)
  return {
    ALPNProtocols: alpn,
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...(isIP(name) === 0 && { servername: name }),
    ...(authorities !== undefined && { ca: authorities.pem }),
    ...(client !== undefined && { cert: client.certificates.pem, key: client.key }),
  }
}

/** Name or IP address that the server's certificate must be for. */
export const expectedName = ({ endpoint, settings }: Pick<TlsPeer, 'endpoint' | 'settings'>): string => settings.serverName ?? endpoint.host
