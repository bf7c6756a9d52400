/** Ends this process as by a hang-up when the process that launched it is killed and the channel between them breaks. */
export function endWithParent(): void {
  process.once('disconnect', () => process.kill(process.pid, 'SIGHUP'))
  process.channel?.unref()
}
