import { createHmac, hkdfSync } from 'node:crypto'
import type {
  ChunkStage,
  Codec,
  CodecSecrets,
  CodecStage,
  HashStage,
  InspectStage,
  StageBase,
  StageKind,
  Tagger,
} from '../contracts/index.ts'
import { KpipeError } from '../contracts/index.ts'
import type { StageReference } from './messages.ts'
import { noteStage } from './running-stage.ts'
import { stageFailure } from '../stages/stage-failure.ts'

// One run uses a handful of stages, a restore of an old snapshot perhaps twice as many (one per epoch).
const maxOpened = 64
const opened = new Map<string, Promise<unknown>>()

/** The chunk stage of a module. */
export function chunkStage(reference: StageReference): Promise<ChunkStage<unknown>> {
  return once(`chunk ${reference.url}`, () => load(reference, 'chunk'))
}

/** The inspect stage of a module. */
export function inspectStage(reference: StageReference): Promise<InspectStage> {
  return once(`inspect ${reference.url}`, () => load(reference, 'inspect'))
}

export function tagger(reference: StageReference): Promise<Tagger> {
  return once(`hash ${reference.url} ${JSON.stringify(reference.settings)}`, async () => {
    const stage = await load<HashStage<unknown>>(reference, 'hash')
    return await blaming(reference, () => stage.open(reference.settings))
  })
}

export function codec(reference: StageReference, secrets: CodecSecrets): Promise<Codec> {
  // The secrets name the entry by a keyed hash, so that no key lies about as a string.
  const secret = createHmac('sha256', secrets.key).update(secrets.binding).digest('hex')
  return once(`codec ${reference.url} ${JSON.stringify(reference.settings)} ${secret}`, async () => {
    const stage = await load<CodecStage<unknown>>(reference, 'codec')
    const deriveKey = (label: string, salt: Uint8Array) =>
      new Uint8Array(hkdfSync('sha256', secrets.key, salt, `${reference.package}/${label}`, 32))
    return await blaming(reference, () => stage.open(reference.settings, { deriveKey, binding: secrets.binding }))
  })
}

/** Runs a stage's own code; what it throws is told with the stage's name. */
export async function blaming<Result>(reference: StageReference, work: () => Result | Promise<Result>): Promise<Result> {
  noteStage(reference)
  try {
    return await work()
  } catch (error) {
    throw stageFailure(reference.package, error)
  } finally {
    noteStage(undefined)
  }
}

function once<Value>(key: string, make: () => Promise<Value>): Promise<Value> {
  const found = opened.get(key)
  if (found) return found as Promise<Value>
  if (opened.size >= maxOpened) opened.delete(opened.keys().next().value!)
  const made = make()
  opened.set(key, made)
  return made
}

async function load<Stage extends StageBase<StageKind>>(reference: StageReference, kind: Stage['kind']): Promise<Stage> {
  const module = (await blaming(reference, () => import(reference.url))) as {
    default?: StageBase<StageKind> | readonly StageBase<StageKind>[]
  }
  const stages = [module.default].flat()
  const stage = stages.find((candidate) => candidate?.kind === kind)
  if (!stage) throw new KpipeError('KPIPE_STAGE_INVALID', `${reference.package} has no ${kind} stage`, { stage: reference.package })
  return stage as Stage
}
