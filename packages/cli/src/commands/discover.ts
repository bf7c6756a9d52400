import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { boolean, option, string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import { command } from '../command.ts'
import { discover as find } from '../discover/discover.ts'
import { findingsObject, findingsText, looksText } from '../discover/findings-text.ts'
import { openHost } from '../discover/host.ts'
import { placeKinds } from '../discover/look-around.ts'
import { describeFailure } from '../failure.ts'
import { outputFlags } from '../flags.ts'

const offlineFlag = boolean({ description: 'do not call the cluster' })

export const discover = command({
  summary: 'Find the etcd of this host, and write a pipeline file for it.',
  description:
    'Looks for static pod manifests, the configuration files of k3s and rke2, the unit etcd.service with its drop-ins and environment files, running processes, the manifest of kube-apiserver (for an etcd elsewhere), asks kubectl when none of these has any, and reads ETCD_* and ETCDCTL_*. Or reads the one place that is named: a manifest, a unit, a configuration file of etcd, told apart by what is in it, or a process. Then asks the cluster for its members. The pipeline file says where each value comes from; what was found where goes to standard error. Exit code 3 when the file is written and the cluster does not answer, or has lost its quorum.',
  examples: [
    'kpipe discover',
    'kpipe discover --to /etc/kpipe/backup.yaml',
    'kpipe discover /etc/systemd/system/etcd.service --offline',
    'kpipe discover --from kubectl --store /mnt/backup/kpipe',
  ],
  args: {
    place: word({
      ignoreStdin: true,
      description: 'manifest, folder of manifests, unit, configuration file of etcd, or number of a process',
    }),
  },
  flags: {
    to: string({ helpValue: 'FILE', description: 'write the pipeline file to this new file (mode 0600) instead of standard output' }),
    from: option({ helpValue: 'PLACE', options: placeKinds, description: `look only there: ${placeKinds.join(', ')}` })(),
    offline: offlineFlag,
    store: string({ helpValue: 'PATH', description: 'where the repository is to be; default: /var/backups/kpipe' }),
    'key-file': string({ helpValue: 'FILE', description: 'where its key is to be; default: /etc/kpipe/repository.key' }),
    name: string({ helpValue: 'NAME', description: 'what the snapshots are to be called; default: the id of the cluster' }),
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    const isProcess = /^\d+$/.test(args.place ?? '') && !existsSync(args.place!)
    const path = args.place === undefined || isProcess ? args.place : resolve(args.place)
    if (path !== undefined && flags.from !== undefined) throw new KpipeError('KPIPE_USAGE', 'a place was named, and --from names another')
    const file = flags.to === undefined || flags.to === '-' ? undefined : resolve(flags.to)
    if (file !== undefined && existsSync(file)) throw new KpipeError('KPIPE_TARGET_EXISTS', `${file} exists already`, { file })
    const findings = await find(openHost(), {
      path,
      from: flags.from,
      offline: flags.offline,
      name: flags.name,
      store: flags.store,
      keyFile: flags['key-file'],
      signal,
    })
    const { connection, pipeline } = findings
    if (file !== undefined) await create(file, pipeline)
    terminal.say(looksText(findings.looks))
    const told = findingsText(findings)
    if (told !== '') terminal.say(told)
    for (const warning of findings.warnings) terminal.warn(warning)
    const fault = faultOf(connection)
    if (fault !== undefined) terminal.warn(fault)
    if (terminal.json)
      terminal.write(`${JSON.stringify({ ...findingsObject(findings), file: file ?? null }, null, terminal.outputIsSeen ? 2 : 0)}\n`)
    else if (file === undefined) terminal.write(pipeline)
    else terminal.say(`written: ${file}\nnext: kpipe init -c ${file}, then kpipe run ${file}`)
    return fault === undefined ? 0 : 3
  },
})

/** What is wrong with the cluster, where it could be asked. */
function faultOf(connection: Awaited<ReturnType<typeof find>>['connection']): string | undefined {
  if (connection.state === 'not tested') return undefined
  if (connection.state === 'works') {
    if (connection.quorum === 'lost') return 'quorum is lost: no member has a leader'
    return connection.members.some(({ version }) => version !== undefined) ? undefined : 'no member tells its state'
  }
  const { message, hint } = describeFailure(connection.error)
  return `the connection does not work: ${message}\n${hint}`
}

/** @throws KpipeError KPIPE_TARGET_EXISTS, KPIPE_TARGET_FAILED */
async function create(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(file, text, { flag: 'wx', mode: 0o600, flush: true })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new KpipeError('KPIPE_TARGET_EXISTS', `${file} exists already`, { file }, { cause })
    if (code === 'ENOSPC') await rm(file, { force: true })
    throw new KpipeError('KPIPE_TARGET_FAILED', `${file} could not be written: ${code}`, { file }, { cause })
  }
}
