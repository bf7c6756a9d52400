import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'tap'
import { askKubectl } from '../../src/discover/kubectl.ts'

const { signal } = new AbortController()

/** A folder with a kubectl of ours, which notes in `calls` that it was called. */
function stub(t: { after(done: () => void): void }, script: string) {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-kubectl-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'kubectl')
  writeFileSync(file, `#!/bin/sh\necho "$*" >> "${folder}/calls"\n${script}\n`)
  chmodSync(file, 0o755)
  return { env: { PATH: `${folder}:/usr/bin:/bin` }, calls: () => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n'), folder }
}

test('kubectl is asked once for the pods of etcd', async (t) => {
  const { env, calls } = stub(t, 'echo "kind: List"; echo warning >&2')
  t.same(await askKubectl(env, signal), { text: 'kind: List\n' })
  t.same(calls(), ['get pod -n kube-system -l component=etcd -o yaml --request-timeout=5s'])
})

test('its failure is told in one line', async (t) => {
  const { env, calls } = stub(t, 'echo first >&2; echo "The connection to the server was refused" >&2; exit 1')
  t.same(await askKubectl(env, signal), { text: undefined, why: 'The connection to the server was refused' })
  t.equal(calls().length, 1)
  t.same(await askKubectl(stub(t, 'exit 7').env, signal), { text: undefined, why: 'it ended with code 7' })
  t.same(await askKubectl({ PATH: '/nowhere' }, signal), { text: undefined, why: 'there is none' })
})

test('one that hangs, and what it has started, is ended', async (t) => {
  const { env, calls, folder } = stub(t, 'sleep 600 & echo $! > "$(dirname "$0")/child"; wait')
  t.same(await askKubectl(env, signal, 500), { text: undefined, why: 'it was ended after 0.5 s' })
  t.equal(calls().length, 1)
  const child = Number(readFileSync(join(folder, 'child'), 'utf8'))
  t.notOk(await isAlive(child), 'its child is gone')
})

test('one that says too much is not heard to its end', async (t) => {
  const { env, calls } = stub(t, 'exec yes')
  t.match(await askKubectl(env, signal), { text: undefined, why: /says more than 8 MiB/ })
  t.equal(calls().length, 1)
})

test('Ctrl-C ends it', async (t) => {
  const { env, folder } = stub(t, 'exec sleep 600')
  const stop = new AbortController()
  const asked = askKubectl(env, stop.signal)
  while (!existsSync(join(folder, 'calls'))) await new Promise((again) => setTimeout(again, 10))
  stop.abort(new Error('stopped by the test'))
  await t.rejects(asked, { message: 'stopped by the test' })
})

/** A process that nobody has waited for yet is no more than its number. */
async function isAlive(pid: number): Promise<boolean> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const state = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] : undefined
    if (state === undefined || state === 'Z') return false
    await new Promise((again) => setTimeout(again, 20))
  }
  return true
}
