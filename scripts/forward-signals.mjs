import { readFileSync } from 'node:fs'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
const npmLookMs = 200

/** Calls `react` for every signal that asks this process to end, and with SIGHUP when the npm that runs this script is gone. */
export function onEnding(react) {
  for (const signal of signals) process.on(signal, () => react(signal))
  // npm passes on only some of the signals it gets, and none when it is killed.
  const npmIsGone = watchNpm()
  const look = setInterval(() => {
    if (!npmIsGone()) return
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

/** npm is the parent, or the parent of the shell between. */
function watchNpm() {
  const parent = process.ppid
  if (!process.env.npm_lifecycle_event) return () => false
  try {
    const grandparent = parentOf(parent)
    const throughShell = /^(sh|dash|ash|bash)$/.test(readFileSync(`/proc/${parent}/comm`, 'utf8').trim())
    return () => process.ppid !== parent || (throughShell && parentOf(parent) !== grandparent)
  } catch {
    return () => process.ppid !== parent // no /proc
  }
}

function parentOf(pid) {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return 0 // ended
  }
}
