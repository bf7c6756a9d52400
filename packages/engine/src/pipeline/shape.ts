import type { Hook, HookTime } from './hooks.ts'
import type { WrittenRetention } from './retention.ts'
import { retentionSchema } from './retention.ts'

/** What opens the repository: exactly one of these. */
export interface PipelineKey {
  readonly file?: string
  readonly passwordFile?: string
  readonly password?: string
}

/** A stage in a pipeline file, not yet looked up. */
export interface NamedStage {
  readonly use: string
  readonly with?: Readonly<Record<string, unknown>> | null
}

/** A pipeline file whose shape is right. */
export interface PipelineShape {
  readonly name?: string
  readonly source: NamedStage
  readonly attach?: readonly string[] | null
  readonly stages?: readonly NamedStage[] | null
  readonly store: NamedStage
  readonly key?: PipelineKey
  readonly plaintext?: 'accepted'
  readonly limits?: { readonly [name in LimitName]?: string | number } | null
  readonly hooks?: { readonly [when in HookTime]?: WrittenHook | readonly WrittenHook[] | null } | null
  readonly metrics?: { readonly textfile: string }
  readonly retention?: WrittenRetention | null
  readonly retry?: { readonly attempts?: number; readonly delay?: string | number } | null
}

type LimitName = 'stallTimeout' | 'maxHold'

/** A command as the file has it. */
export interface WrittenHook {
  readonly run: string | readonly string[]
  readonly onFailure?: Hook['onFailure']
  readonly timeout?: string | number
}

/** Limits as the file and as the loop calls them. */
export const limitNames = [
  ['stallTimeout', 'stallTimeoutMs'],
  ['maxHold', 'maxHoldMs'],
] as const

/** Seconds as a number, or a text such as `90s`; see duration.ts. */
export const durationSchema = { type: ['string', 'number'] }

const namedStage = {
  type: 'object',
  properties: {
    use: {
      type: 'string',
      minLength: 1,
      description: 'The stage: one of kpipe itself by its name, the package kpipe-stage-<name>, or a path relative to this file.',
    },
    with: { type: ['object', 'null'], description: 'Settings of the stage.' },
  },
  required: ['use'],
  additionalProperties: false,
}

const hook = {
  properties: {
    run: {
      type: ['string', 'array'],
      minLength: 1,
      minItems: 1,
      items: { type: 'string' },
      description: 'A line for /bin/sh, or a program and its arguments. Runs in the folder of this file, with KPIPE_* in its environment.',
    },
    onFailure: {
      enum: ['error', 'warn', 'ignore'],
      description: 'What its failure means. error, the default: before the backup it stops the run, beside it the run ends with code 3.',
    },
    timeout: { ...durationSchema, description: 'After so long the command is ended. 10m by default.' },
  },
  required: ['run'],
  additionalProperties: false,
}

/** One command, or a list of them. */
const hooks = (description: string) => ({ type: ['array', 'object', 'null'], description, items: { type: 'object', ...hook }, ...hook })

/** JSON Schema of a pipeline file; what stands under `with` is the stage's to say. */
export const pipelineSchema = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1, description: 'What the snapshots are called. The id of the cluster by default.' },
    source: { ...namedStage, description: 'What is backed up.' },
    attach: {
      type: ['array', 'null'],
      items: { type: 'string', minLength: 1 },
      maxItems: 100,
      description:
        'Files and folders that are stored with every snapshot, such as the PKI that an etcd snapshot does not contain; relative to this file.',
    },
    stages: {
      type: ['array', 'null'],
      items: namedStage,
      description: 'What the bytes go through: chunk, hash, compress and seal by default.',
    },
    store: { ...namedStage, description: 'Where the repository is.' },
    key: {
      type: 'object',
      properties: {
        file: { type: 'string', minLength: 1, description: 'Key of the repository; relative to this file.' },
        passwordFile: { type: 'string', minLength: 1, description: 'File that holds a password of the repository; relative to this file.' },
        password: { type: 'string', minLength: 1, description: 'A password of the repository, as in ${env:KPIPE_PASSWORD}.' },
      },
      additionalProperties: false,
      description: 'What opens the repository: one of these.',
    },
    plaintext: {
      enum: ['accepted'],
      description: 'Says that a list of stages without a seal is meant: whoever reads the store reads the backups.',
    },
    limits: {
      type: ['object', 'null'],
      properties: {
        stallTimeout: { ...durationSchema, description: 'How long the store may take over one answer. 60s by default.' },
        maxHold: { ...durationSchema, description: 'How long the source may be held. 10m by default.' },
      },
      additionalProperties: false,
      description: 'When a backup is given up.',
    },
    hooks: {
      type: ['object', 'null'],
      properties: {
        before: hooks('Before the repository and the source are opened.'),
        after: hooks('After a backup that was made.'),
        failed: hooks('After a run that made none.'),
        finally: hooks('At the end of every run.'),
      },
      additionalProperties: false,
      description: 'Commands beside a backup.',
    },
    metrics: {
      type: 'object',
      properties: {
        textfile: {
          type: 'string',
          minLength: 1,
          description: 'File for the textfile collector of node-exporter, written after every run.',
        },
      },
      required: ['textfile'],
      additionalProperties: false,
      description: 'Numbers for monitoring.',
    },
    retention: retentionSchema,
    retry: {
      type: ['object', 'null'],
      properties: {
        attempts: { type: 'integer', minimum: 1, maximum: 100, description: 'How often a run tries in all. 3 by default.' },
        delay: { ...durationSchema, description: 'How long it waits between two attempts. 30s by default.' },
      },
      additionalProperties: false,
      description: 'Trying again when source or store fail (exit codes 69 and 75).',
    },
  },
  required: ['source', 'store'],
  additionalProperties: false,
}
