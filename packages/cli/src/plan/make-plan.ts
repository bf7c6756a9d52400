import type { Pipeline } from '@kpipe/engine'
import type { Repository, Snapshot } from '@kpipe/repository'
import { readAttachments } from '../backup/read-attachments.ts'
import type { AttachedFiles } from '../backup/read-attachments.ts'
import type { Terminal } from '../terminal.ts'
import { hasRepository } from '../where/has-repository.ts'
import { openLocated, openStore } from '../where/open.ts'
import type { Where, WhereFlags } from '../where/open.ts'
import { freeBytes } from './free-space.ts'
import { predict } from './prediction.ts'
import type { Prediction } from './prediction.ts'
import { probeStore } from './probe-store.ts'
import { askSource } from './source-answer.ts'
import type { SourceAnswer } from './source-answer.ts'

/** A part of the plan: what it found, or why it could not. */
export type Part<Found> =
  { readonly found: Found; readonly failure?: undefined } | { readonly found?: undefined; readonly failure: unknown }

export interface StoreState {
  readonly location: string
  /** False when there is no repository yet, for a probe would make its folder. */
  readonly probed: boolean
  readonly freeBytes: number | undefined
}

export interface Plan {
  readonly pipeline: Pipeline
  readonly store: Part<StoreState>
  readonly repository: Part<Repository>
  readonly source: Part<SourceAnswer>
  readonly attached: AttachedFiles
  readonly parent: Snapshot | undefined
  /** Undefined when source or repository are not known. */
  readonly prediction: Prediction | undefined
}

export interface Planning {
  readonly where: Where & { readonly pipeline: Pipeline }
  readonly flags: WhereFlags & { readonly name?: string | undefined }
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/** Asks everything that a run would ask before it stores something. What fails does not keep the rest from being asked. */
export async function makePlan({ where, flags, terminal, signal }: Planning): Promise<Plan> {
  const { pipeline } = where
  const store = await part(signal, async () => {
    const opened = await openStore(where, signal)
    const probed = await hasRepository(opened)
    if (probed) await probeStore(opened)
    return { location: opened.location, probed, freeBytes: await freeBytes(pipeline.store) }
  })
  const repository = await part(signal, () => openLocated(where, flags, { terminal, signal }))
  const source = await part(signal, () =>
    askSource(pipeline, {
      signal,
      warn: (message) => terminal.warn(message),
      explain: (message) => terminal.explain(message),
      previousMember: (ownName) => repository.found?.snapshots({ name: flags.name ?? pipeline.name ?? ownName }).at(-1)?.member,
    }),
  )
  const attached = await readAttachments(pipeline.attach)
  const answer = source.found
  const name = flags.name ?? pipeline.name ?? answer?.name
  const parent = repository.found
    ?.snapshots(name === undefined ? {} : { name })
    .filter(({ member }) => member === answer?.member)
    .at(-1)
  const known = repository.found !== undefined && answer !== undefined
  return { pipeline, store, repository, source, attached, parent, prediction: known ? predict(answer.bytes, parent) : undefined }
}

async function part<Found>(signal: AbortSignal, ask: () => Promise<Found>): Promise<Part<Found>> {
  try {
    return { found: await ask() }
  } catch (failure) {
    signal.throwIfAborted()
    return { failure }
  }
}
