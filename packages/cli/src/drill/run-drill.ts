import { mkdir, rm } from 'node:fs/promises'
import { openBolt, walk, withoutTrailer } from '@kpipe/bolt'
import { runRestore } from '../restore/run-restore.ts'
import type { RestoreRun } from '../restore/run-restore.ts'
import { intoTarget } from '../scratch/into-target.ts'
import { openScratch } from '../scratch/scratch-folder.ts'
import type { Scratch } from '../scratch/scratch-folder.ts'
import { withPages } from '../scratch/with-pages.ts'
import { writeSnapshot } from '../scratch/write-snapshot.ts'
import { sizeText } from '../output/size-text.ts'
import { attachmentsOf } from '../restore/attachments/attachments-of.ts'
import type { Attachment } from '../restore/attachments/attachments-of.ts'
import { asksForUsers, compareHashKv, compareStatus, counted, walkDatabase, withoutAuthentication } from './database-steps.ts'
import type { Computed } from './database-steps.ts'
import type { EtcdBinary, EtcdChoice } from './find-etcd.ts'
import { Ended, peerUrl, runEtcd } from './run-etcd.ts'
import type { RunningEtcd } from './run-etcd.ts'
import { roomIn } from './scratch-place.ts'
import { compareServer, untilReady } from './server-step.ts'
import { NotDone, runStep } from './step.ts'
import type { Found, Step } from './step.ts'

export interface DrillRun extends Omit<RestoreRun, 'to' | 'onRemark'> {
  /** Folder to restore into. */
  readonly place: string
  /** What to boot, or why nothing. */
  readonly etcd: EtcdChoice
  onStep(step: Step): void
  explain(message: string): void
}

export interface DrillOutcome {
  /** How far it came, also where that failed. */
  readonly level: 'walked' | 'booted'
  readonly passed: boolean
  readonly steps: readonly Step[]
  /** What proved the snapshot wrong. */
  readonly proof?: Error | undefined
}

/** What a server gets to come up with a database: the tree is read once, and each key put into an index. */
const bootMs = 60_000
const bootMsPerGigabyte = 60_000

/**
 * Restores a snapshot for trial and proves what can be proven of it. The folder and the server are gone when it settles.
 * @throws KpipeError of what says nothing of the snapshot: KPIPE_TARGET_FAILED, KPIPE_STORE_*, KPIPE_SOURCE_*, KPIPE_INTERRUPTED
 */
export async function runDrill(run: DrillRun): Promise<DrillOutcome> {
  const { place, snapshot, signal } = run
  const room = await roomIn(place, snapshot.bytes)
  const scratch = await openScratch(place, 'drill')
  const steps: Step[] = []
  const held: { etcd?: RunningEtcd; proof?: Error | undefined } = {}
  /** False when the snapshot is proven wrong. */
  const step = async (name: Step['step'], work: () => Promise<Found>): Promise<boolean> => {
    signal.throwIfAborted()
    const done = await runStep(name, work)
    steps.push(done.step)
    run.onStep(done.step)
    held.proof = done.proof
    return done.proof === undefined
  }
  /** Runs `work`. An etcd that ends by itself is the snapshot's fault only where the same one runs on nothing. */
  const blaming = async <Result>(binary: EtcdBinary, work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Ended)) throw error
      delete held.etcd
      await demandThatItRuns(run, scratch, binary)
      throw new Ended(`etcd ${binary.version} does not run on it: ${error.message}`)
    }
  }
  try {
    const file = scratch.at('snapshot')
    const computed: Computed = {}
    const attachments = attachmentsOf(snapshot)
    const whole =
      (await step('restore', () => restoreTo(run, file))) &&
      (attachments.length === 0 || (await step('attachments', () => restoreAttached(run, attachments, scratch)))) &&
      (await step('walk', () => walkDatabase(file, computed))) &&
      (await step('status', () => compareStatus(file, snapshot.facts, computed))) &&
      (await step('hash_kv', () => compareHashKv(snapshot.facts, computed)))
    if (!whole) return { level: 'walked', passed: false, steps, proof: held.proof }
    const choice = room.whyNoBoot === undefined ? run.etcd : { why: room.whyNoBoot }
    const passed =
      (await step('boot', async () => {
        if ('why' in choice) throw new NotDone(choice.why)
        const etcd = await boot(run, scratch, file, choice)
        held.etcd = etcd
        await blaming(choice, () => untilReady({ ...run, etcd }, bootMs + (bootMsPerGigabyte * snapshot.bytes) / 1e9))
        return { note: `etcd ${choice.version} serves it`, figures: { etcd: choice.version, path: choice.path } }
      })) &&
      (await step('server', async () => {
        const { etcd } = held
        if (etcd === undefined || 'why' in choice) throw new NotDone('no etcd was booted')
        return blaming(choice, () => compareServer({ ...run, etcd }, scratch.at('served'), computed))
      }))
    const isBooted = steps.some(({ step: name, result }) => name === 'server' && result === 'ok')
    return { level: isBooted || !passed ? 'booted' : 'walked', passed, steps, proof: held.proof }
  } finally {
    await held.etcd?.stop()
    await scratch.remove()
  }
}

async function restoreTo(run: DrillRun, file: string): Promise<Found> {
  await runRestore({ ...run, to: { use: 'file', settings: { path: file } }, onRemark: (message) => run.explain(message) })
  return { note: `${sizeText(run.snapshot.bytes)}, every chunk and the whole as they were stored`, figures: { bytes: run.snapshot.bytes } }
}

/** One after the other, each gone again. */
async function restoreAttached(run: DrillRun, attachments: readonly Attachment[], scratch: Scratch): Promise<Found> {
  const path = scratch.at('attachment')
  for (const { name } of attachments) {
    run.signal.throwIfAborted()
    await runRestore({
      ...run,
      stream: name,
      to: { use: 'file', settings: { path } },
      onProgress: () => undefined,
      onRemark: () => undefined,
    })
    await rm(path, { force: true })
  }
  const bytes = attachments.reduce((sum, each) => sum + each.bytes, 0)
  return {
    note: `${counted(attachments.length, 'file')}, ${sizeText(bytes)}, as they were stored`,
    figures: { files: attachments.length, bytes },
  }
}

async function boot(run: DrillRun, scratch: Scratch, file: string, etcd: EtcdBinary): Promise<RunningEtcd> {
  const source = (await asksForUsers(file)) ? await withAuthenticationOff(run, scratch, file) : file
  const settings = {
    dataDir: scratch.at('data'),
    name: 'drill',
    initialCluster: `drill=${peerUrl}`,
    initialAdvertisePeerUrls: peerUrl,
    initialClusterToken: 'kpipe-drill',
    // Revisions are compared.
    noBump: true,
    skipHashCheck: withoutTrailer(run.snapshot.bytes) === run.snapshot.bytes,
  }
  const { snapshot, stages, signal } = run
  await intoTarget({
    file: source,
    to: { use: 'etcd', settings },
    facts: snapshot.facts,
    stages,
    signal,
    onRemark: () => undefined, // They are for who goes on with what is restored.
  })
  await rm(source, { force: true })
  return runEtcd(etcd, scratch.folder, (pid) => scratch.noteProcess(pid))
}

/** @throws NotDone when it ends here on an empty data directory, too */
async function demandThatItRuns(run: DrillRun, scratch: Scratch, binary: EtcdBinary): Promise<void> {
  const folder = scratch.at('empty')
  await mkdir(folder, { mode: 0o700 })
  const etcd = await runEtcd(binary, folder, (pid) => scratch.noteProcess(pid))
  try {
    await untilReady({ ...run, etcd }, bootMs)
  } catch (error) {
    if (!(error instanceof Ended)) throw error
    throw new NotDone(`etcd ${binary.version} does not run here, on an empty data directory neither: ${error.message}`)
  } finally {
    await etcd.stop()
  }
}

/** Nobody has the passwords here, and nobody but this process comes to the socket. */
async function withAuthenticationOff({ signal, explain }: DrillRun, scratch: Scratch, file: string): Promise<string> {
  explain('authentication is switched off in the copy that is booted')
  const edited = scratch.at('edited')
  await withPages(file, async (pages) => {
    await writeSnapshot(edited, withoutAuthentication(walk(await openBolt(pages))), pages.pageBytes, signal)
  })
  await rm(file, { force: true })
  return edited
}
