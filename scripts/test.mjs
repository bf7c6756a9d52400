// npm test: installs what is needed, then checks types, style and behaviour. The last line is `N passed, N failed`.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { bin, clone, newNode } from './clone.mjs'
import { countTap } from './count-tap.mjs'
import { onEnding } from './forward-signals.mjs'
import { installDependencies } from './install.mjs'

const total = { passed: 0, failed: 0 }
const env = testEnvironment()
let running
onEnding(interrupted)

const files = process.argv.slice(2)
const ready = await stage('dependencies', () => installDependencies())
if (ready && files.length === 0) {
  for (const version of ['3.4', '3.6']) await stage(`etcd ${version}`, () => node(['scripts/etcd/get-etcd.ts', version]))
  await stage('types', () => node([join(bin, 'tsc'), '--noEmit']))
  await stage('lint', () => node([join(bin, 'oxlint'), '--deny-warnings']))
  await stage('format', () => node([join(bin, 'prettier'), '--check', '--log-level=warn', '.']))
}
if (ready) await stage('tests', tests)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1

/** Runs one stage, says how it went, and counts its failure. */
async function stage(name, run) {
  const began = performance.now()
  try {
    const said = await run()
    console.log(`${name}: ${said ?? 'ok'} (${secondsSince(began)})`)
    return true
  } catch (error) {
    total.failed += 1
    console.log(`${name}: FAILED (${secondsSince(began)}): ${error.message}`)
    return false
  }
}

function secondsSince(began) {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`
}

/** Runs tap, tells each file and each failure in full, and counts. */
async function tests() {
  const { Parser } = await import('tap-parser')
  const child = start([join(bin, 'tap'), '--reporter=tap', '--no-color', ...files], ['ignore', 'pipe', 'inherit'])
  const ended = end(child).then(
    () => undefined,
    (error) => error,
  )
  const counted = await countTap(Parser, child.stdout, ({ name, passed, failures, seconds: took }) => {
    console.log(`  ${failures.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${passed + failures.length} tests, ${took.toFixed(1)} s)`)
    for (const failure of failures) console.log(failure.replace(/^/gm, '    '))
  })
  const failure = await ended
  total.passed += counted.passed
  total.failed += counted.failed
  if (failure && counted.failed === 0) throw failure
  if (counted.passed + counted.failed === 0) throw new Error('no test was run')
  if (counted.failed > 0) return `${counted.failed} of ${counted.passed + counted.failed} FAILED`
}

/** Runs a program on the new Node to its end, its output shown. */
function node(args) {
  return end(start(args, ['ignore', 'inherit', 'inherit']))
}

function start(args, stdio) {
  // A process group of its own, so that an interruption reaches every test process: tap itself does not pass it on.
  running = spawn(newNode(), args, { cwd: clone, env, stdio, detached: true })
  return running
}

function end(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => (code === 0 ? resolve() : reject(new Error(`ended with ${signal ?? `code ${code}`}`))))
  })
}

/** The user's environment, without what would point kpipe or etcd's tools at the user's own clusters and repositories. */
function testEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) => !/^(KPIPE|ETCD|ETCDCTL)_/.test(name))
  return { ...Object.fromEntries(kept), PATH: `${bin}:${process.env.PATH}` }
}

async function interrupted(signal) {
  signalGroup(signal)
  await delay(500)
  signalGroup('SIGKILL')
  console.log(`interrupted by ${signal}`)
  console.log(`${total.passed} passed, ${total.failed + 1} failed`)
  process.exit(1)
}

function signalGroup(signal) {
  try {
    if (running) process.kill(-running.pid, signal)
  } catch {
    // the whole group has ended
  }
}
