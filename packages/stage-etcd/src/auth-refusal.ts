import { statusNames, type GrpcStatus } from './grpc-status.ts'

/**
 * What etcd's authentication has against a call, in words that hold for all versions; undefined when it is something else. 3.4 and 3.5
 * say `UNKNOWN "auth: permission denied"`, later ones `PERMISSION_DENIED "etcdserver: permission denied"`, and so on.
 * `user` tells who calls.
 */
export function authRefusal({ code, text }: GrpcStatus, method: string, user: string | undefined): string | undefined {
  if (/permission denied/.test(text) || statusNames[code] === 'PERMISSION_DENIED') {
    // All versions want it for Snapshot, and some for other calls.
    const needed = method === 'Snapshot' ? ', which needs the role root' : ''
    return `${user ?? 'a call without a user'} is not permitted to call ${method}${needed}`
  }
  if (/user name is empty/.test(text))
    return `authentication is on, and ${user ?? 'no user was given'}${user === undefined ? '' : ' is none of its users'}`
  if (/user (name )?not found/.test(text)) return `${user ?? 'the user'} does not exist`
  if (/invalid user ID or password/.test(text)) return `${user ?? 'the user'} does not exist or has another password`
  return isTokenRefused({ code, text }) ? `the token of ${user ?? 'nobody'} was refused, also a new one` : undefined
}

/** A token that etcd forgot or never knew: it expires after five minutes, and dies with a restart or a change of its user. */
export function isTokenRefused({ code, text }: GrpcStatus): boolean {
  return statusNames[code] === 'UNAUTHENTICATED' || /invalid auth token|revision of auth store is old/.test(text)
}

export const isAuthOff = ({ text }: GrpcStatus): boolean => /authentication is not enabled/.test(text)
