import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { runTool } from '../scripts/etcd/run-tool.ts'
import { loopbackEnv } from '../scripts/loopback-env.ts'
import { etcdClient, withEtcd, writeKeys } from './support/etcd.ts'
import { meanwhile } from './support/kpipe.ts'
import { lastLine, place } from './support/place.ts'
import { tcpProxy } from './support/tcp-proxy.ts'

/** Writes until it is told to stop; `revision` is the last that etcd gave it. */
function hammer(clientUrl: string): { readonly revision: number; stop(): Promise<void> } {
  const client = etcdClient(clientUrl)
  const stopping = new AbortController()
  let revision = 0
  const done = (async () => {
    for (let n = 0; !stopping.signal.aborted; n++) {
      const { header } = await client.put(`busy/${n % 500}`).value(randomBytes(1 + ((n * 37) % 9000)))
      revision = Number(header.revision)
    }
  })()
  return {
    get revision() {
      return revision
    },
    async stop() {
      stopping.abort()
      await done.finally(() => client.close())
    },
  }
}

for (const line of ['3.4', '3.6'] as const) {
  test(`while etcd ${line} is written to, revision and status are those of the stored bytes`, async (t) => {
    await withEtcd(line, async (etcd) => {
      for (let n = 0; n < 24; n++) await writeKeys(etcd.clientUrl, [[`big/${n}`, randomBytes(1 << 20)]])
      const proxy = await tcpProxy(t, etcd.clientUrl)
      const { at, kpipe, spawn } = await place(t, `{ use: etcd, with: { endpoints: ['${proxy.address}'] } }`)
      const writer = hammer(etcd.clientUrl)
      const held = proxy.holdAfter(4 << 20)
      const { ended } = spawn(['run', 'backup.yaml', '--json'])
      await meanwhile(held, ended)
      const atHold = writer.revision
      while (writer.revision < atHold + 200) await new Promise((resolve) => setTimeout(resolve, 10))
      const atRelease = writer.revision
      proxy.release()
      const run = await ended
      await writer.stop()
      t.equal(run.code, 0, run.stderr)
      const summary = lastLine(run)
      t.ok(Number(summary['revision']) <= atHold + 1 && writer.revision >= atRelease, 'writes went on in the middle of the stream')

      t.equal((await kpipe(['restore', 'latest', '-to', 'snap'])).code, 0)
      const { etcdutl } = await getEtcd({ version: '3.6' })
      const theirs = JSON.parse(await runTool(etcdutl!, ['snapshot', 'status', at('snap'), '-w', 'json'], { env: loopbackEnv() })) as object
      t.same(lastLine(await kpipe(['status', 'latest', '-w', 'json'])), theirs)
      t.match(theirs, { revision: summary['revision'], totalKey: summary['keys'] })
    })
  })
}
