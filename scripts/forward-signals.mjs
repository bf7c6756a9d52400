const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
const npmLookMs = 200

/** Calls `react` for every signal that asks this process to end, and with SIGHUP when the npm that runs this script is gone. */
export function onEnding(react) {
  for (const signal of signals) process.on(signal, () => react(signal))
  // npm passes on only some of the signals it gets, and none when it is killed. It is the parent: the scripts in package.json
  // begin with exec, because a shell between would not pass on any.
  const npm = process.ppid
  if (!process.env.npm_lifecycle_event) return
  const look = setInterval(() => {
    if (process.ppid === npm) return
    clearInterval(look)
    react('SIGHUP')
  }, npmLookMs)
  look.unref()
}

/** Ends this process by the signal, as if nobody had listened. */
export function endBySignal(signal) {
  for (const name of signals) process.removeAllListeners(name)
  process.kill(process.pid, signal)
}
