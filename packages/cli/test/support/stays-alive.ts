import { setTimeout as delay } from 'node:timers/promises'
import { abortOnSignals } from '../../src/signals.ts'

/** Says `ready`, then what happens to it, and does not end by itself for a while. */
const signal = abortOnSignals((text) => console.log(text))
signal.addEventListener('abort', () => console.log((signal.reason as Error).message))
console.log('ready')
await delay(20_000)
