import { setFlagsFromString } from 'node:v8'

const shortMs = 2000

/**
 * Code that runs for two seconds gains nothing from the compiler that takes longest: it used up to a tenth of a backup's time. And the
 * young generation would grow to 16 MiB and more, for no gain in time that could be measured.
 * To be called when node's own modules are loaded, those of threads too: under other flags each of them is compiled anew.
 */
export function tuneForShortRun(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  if (performance.now() < shortMs) {
    setFlagsFromString('--no-opt')
    setTimeout(() => setFlagsFromString('--opt'), shortMs - performance.now()).unref()
  }
  // Compiled code is kept with the flags that it will be looked for with.
  process.prependListener('exit', () => {
    setFlagsFromString('--opt')
    setFlagsFromString('--semi-space-growth-factor=2')
  })
}
