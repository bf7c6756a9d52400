/**
 * Ends the process after a failure. A call that hangs in the kernel, as on a disk that is gone, keeps a thread which
 * `process.exit` would wait for; then another program takes the place of this one and ends with the code.
 */
export function leaveFailed(exitCode: number): never {
  // Lists calls that have ended, too, until their memory is freed: then the other program was not needed, and does no harm.
  const inKernel = process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))
  if (inKernel) process.execve?.('/bin/sh', ['sh', '-c', `exit ${exitCode}`], {})
  process.exit(exitCode)
}
