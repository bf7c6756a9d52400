import { type ChildProcess, spawn } from 'node:child_process'
import { writeSync } from 'node:fs'
import type { StageBase, StageKind, StoreStage } from '../contracts/index.ts'
import { noise } from './sample-bytes.ts'

/** Work of a child: creates the names in turn, each with its own bytes, and tells each answer. */
export interface ChildWork {
  /** `file:` URL of the stage's module. */
  readonly module: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly names: readonly string[]
  readonly bytes: number
  /** Of the bytes; a name's number is added. */
  readonly seed: number
}

/** Starts a child; it waits for a line before it begins. Standard output has a line for what it begins and what it was answered. */
export function startStoreChild(work: ChildWork): ChildProcess {
  const program = `const { runStoreChild } = await import(${JSON.stringify(import.meta.url)}); await runStoreChild(JSON.parse(process.argv[1]))`
  const conditions = import.meta.url.endsWith('.ts') ? ['--conditions=kpipe-source'] : []
  // What a test runner puts into every Node that is started is none of the child's business.
  const { NODE_OPTIONS: _runner, ...env } = process.env
  return spawn(process.execPath, [...conditions, '--input-type=module', '-e', program, JSON.stringify(work)], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
}

export async function runStoreChild({ module, settings, names, bytes, seed }: ChildWork): Promise<void> {
  const loaded = (await import(module)) as { readonly default: StageBase<StageKind> | readonly StageBase<StageKind>[] }
  const stage = [loaded.default].flat().find(({ kind }) => kind === 'store') as StoreStage<unknown>
  const store = await stage.open(settings, { signal: new AbortController().signal })
  const contents = names.map((_, index) => noise(bytes, seed + index))
  writeSync(1, 'ready\n')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  process.stdin.destroy()
  for (const [index, name] of names.entries()) {
    // Written at once, not when the event loop comes to it: whoever kills this process must know how far it was.
    writeSync(1, `begin ${name}\n`)
    writeSync(1, `${await store.create(name, [contents[index]])} ${name}\n`)
  }
}
