import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { testFolder } from './support/folder.ts'
import { clone, kpipe } from './support/kpipe.ts'

const example = (name: string): Promise<string> => readFile(join(clone, 'examples', name), 'utf8')

/** What a command says where nothing was set up yet: it has understood its arguments and the pipeline file, and there is no repository. */
const noRepository = 10

for (const name of ['crontab', 'kpipe.service', 'kpipe-drill.service']) {
  test(`every kpipe command of examples/${name} is understood`, async (t) => {
    const folder = testFolder(t)
    await copyFile(join(clone, 'examples/backup.yaml'), join(folder, 'backup.yaml'))
    const text = await example(name)
    const commands = [...text.matchAll(/\/usr\/local\/bin\/kpipe (.*)$/gm)].map((match) => match[1]!)
    t.ok(commands.length >= 1)
    for (const command of commands) {
      const args = command.replace('/etc/kpipe/backup.yaml', join(folder, 'backup.yaml')).split(' ')
      const { code, stderr } = await kpipe(args, { env: { ETCD_ENDPOINT: /ETCD_ENDPOINT=(\S+)/.exec(text)![1]!, XDG_STATE_HOME: folder } })
      t.equal(code, noRepository, stderr)
    }
  })
}

test('the pipeline file and the command of examples/cronjob.yaml are understood', async (t) => {
  const folder = testFolder(t)
  const [configMap, cronJob] = parseAllDocuments(await example('cronjob.yaml')).map((document) => document.toJS())
  const pipeline: string = configMap.data['backup.yaml']
  await writeFile(join(folder, 'backup.yaml'), pipeline.replaceAll(/\/(backups|key)\//g, `${folder}/`))
  const [container] = cronJob.spec.jobTemplate.spec.template.spec.containers
  const [program, ...args] = container.args.map((word: string) => word.replace('/etc/kpipe', folder))
  t.equal(program, 'kpipe')
  const ETCD_ENDPOINT = container.env.find(({ name }: { name: string }) => name === 'ETCD_ENDPOINT').value
  const { code, stderr } = await kpipe(args, { env: { ETCD_ENDPOINT, XDG_STATE_HOME: folder } })
  t.equal(code, noRepository, stderr)
})

test('examples/cluster.yaml is understood, and every kpipe command of examples/worst-day.md', async (t) => {
  const folder = testFolder(t)
  await copyFile(join(clone, 'examples/cluster.yaml'), join(folder, 'cluster.yaml'))
  const decided = {
    snapshot: '1f'.repeat(32),
    digest: 'ab'.repeat(32),
    token: 'new',
    members: [{ name: 'cp1', peerUrls: 'http://10.0.0.1:2380' }],
  }
  await writeFile(join(folder, 'plan.json'), JSON.stringify(decided))
  const commands = [...(await example('worst-day.md')).matchAll(/^kpipe (.*)$/gm)].map((match) => match[1]!)
  t.equal(commands.length, 4)
  for (const command of commands) {
    const args = command.replace('/mnt/backup', folder).split(' ')
    const { code, stderr } = await kpipe(args, { cwd: folder, env: { XDG_STATE_HOME: folder } })
    t.equal(code, noRepository, stderr)
  }
})

test('the pipeline files differ only in their source and name', async (t) => {
  const names = ['backup.yaml', 'file.yaml', 'stopped-member.yaml']
  const [backup, ...others] = (await Promise.all(names.map(example))).map((text) => parse(text))
  for (const other of others) t.same({ ...backup, name: '', source: '' }, { ...other, name: '', source: '' })
})
