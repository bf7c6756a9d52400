/** The code says what kind of fault it is; nothing needs to be imported for that. */
export function fault(code, message) {
  return Object.assign(new Error(message), { code })
}

/** Codes of the protocol, draft-ietf-secsh-filexfer-02, section 7. */
export const [noSuchFile, permissionDenied, failure] = [2, 3, 4]

/** What a call to the server throws, as a fault of a store. */
export function storeFault(error, what) {
  if (String(error.code).startsWith('KPIPE_')) return error
  const code = error.code === permissionDenied ? 'KPIPE_STORE_FORBIDDEN' : 'KPIPE_STORE_FAILED'
  return fault(code, `${what}: ${error.message}`)
}
