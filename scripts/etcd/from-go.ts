import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../children.ts'
import { runTool } from './run-tool.ts'

const programs = { etcd: 'go.etcd.io/etcd/server/v3', etcdctl: 'go.etcd.io/etcd/etcdctl/v3', etcdutl: 'go.etcd.io/etcd/etcdutl/v3' }

/** Builds etcd and its tools, all at one version, from Go modules into `folder`. */
export async function fromGo(version: string, folder: string, log: (message: string) => void): Promise<void> {
  const work = ownFolder('.go-', folder)
  try {
    const requirements = Object.values(programs).map((module) => `\t${module} v${version}\n`)
    await writeFile(join(work, 'go.mod'), `module kpipe.invalid/etcd\n\ngo 1.23\n\nrequire (\n${requirements.join('')})\n`)
    // The build is for this machine, of this module alone, and needs no C compiler.
    const env = { ...process.env, GOFLAGS: '-mod=mod', GOWORK: 'off', GO111MODULE: 'on', CGO_ENABLED: '0', GOOS: '', GOARCH: '' }
    for (const [name, module] of Object.entries(programs)) {
      log(`building ${name} ${version} from Go modules`)
      await runTool('go', ['build', '-trimpath', '-buildvcs=false', '-o', join(folder, name), module], { cwd: work, env })
    }
  } finally {
    dropFolder(work)
  }
}
