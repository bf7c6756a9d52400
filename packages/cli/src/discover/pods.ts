import { posix } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { Mount } from './host-paths.ts'

/** A pod as a manifest or the API of Kubernetes tells it, as far as it matters here. */
export interface Pod {
  readonly name: string
  readonly node: string | undefined
  /** Its loopback is that of its host. */
  readonly onHostNetwork: boolean
  readonly containers: readonly Container[]
}

export interface Container {
  readonly name: string
  /** Entry point and arguments. */
  readonly words: readonly string[]
  readonly env: ReadonlyMap<string, string>
  readonly mounts: readonly Mount[]
  readonly folder: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** Pods of a text in YAML or JSON: pods, lists of them, and what makes pods of a template. None when it holds none. @throws Error where it is no YAML */
export function podsIn(text: string): Pod[] {
  return documentsIn(text).flatMap(podsOf)
}

/** Every document of a text as plain data. @throws Error with the first fault */
export function documentsIn(text: string): unknown[] {
  const documents = parseAllDocuments(text)
  // What is not an array says that the text is empty.
  if (!Array.isArray(documents)) return []
  return documents.map((document) => {
    if (document.errors.length > 0) throw new Error(document.errors[0]!.message.split('\n', 1)[0]!.replace(/:$/, ''))
    // More aliases than that are made to fill memory.
    return document.toJS({ maxAliasCount: 100 }) as unknown
  })
}

function podsOf(value: unknown): Pod[] {
  const object = fieldsOf(value)
  if (Array.isArray(object['items'])) return object['items'].flatMap(podsOf)
  const template = fieldsOf(fieldsOf(object['spec'])['template'])
  const pod = template['spec'] === undefined ? object : template
  const spec = fieldsOf(pod['spec'])
  if (!Array.isArray(spec['containers'])) return []
  const [metadata, status] = [fieldsOf(object['metadata']), fieldsOf(object['status'])]
  const volumes = new Map(listOf(spec['volumes']).map((volume) => [textOf(volume['name']) ?? '', hostPathOf(volume)]))
  const downward = new Map(
    Object.entries({
      'metadata.name': metadata['name'],
      'metadata.namespace': metadata['namespace'],
      'spec.nodeName': spec['nodeName'],
      'status.podIP': status['podIP'],
      'status.hostIP': status['hostIP'],
    }),
  )
  const node = textOf(spec['nodeName'])
  const name = textOf(metadata['name']) ?? ''
  const onHostNetwork = spec['hostNetwork'] === true
  return [
    { name, node, onHostNetwork, containers: listOf(spec['containers']).map((container) => containerOf(container, volumes, downward)) },
  ]
}

function containerOf(
  container: Fields,
  volumes: ReadonlyMap<string, string | undefined>,
  downward: ReadonlyMap<string, unknown>,
): Container {
  const env = new Map<string, string>()
  for (const variable of listOf(container['env'])) {
    const fieldPath = textOf(fieldsOf(fieldsOf(variable['valueFrom'])['fieldRef'])['fieldPath'])
    const value = textOf(variable['value']) ?? (fieldPath === undefined ? undefined : textOf(downward.get(fieldPath)))
    if (value !== undefined) env.set(textOf(variable['name']) ?? '', expanded(value, env))
  }
  const words = [...wordsOf(container['command']), ...wordsOf(container['args'])].map((word) => expanded(word, env))
  const mounts = listOf(container['volumeMounts']).map((mount) => ({
    inside: posix.normalize(textOf(mount['mountPath']) ?? '/'),
    outside: below(volumes.get(textOf(mount['name']) ?? ''), expanded(textOf(mount['subPath'] ?? mount['subPathExpr']) ?? '', env)),
  }))
  return { name: textOf(container['name']) ?? '', words, env, mounts, folder: textOf(container['workingDir']) }
}

/** `$(NAME)` of a variable that was set before; `$$` stands for a dollar sign. */
function expanded(text: string, env: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (piece, name?: string) => (name === undefined ? '$' : (env.get(name) ?? piece)))
}

function hostPathOf(volume: Fields): string | undefined {
  return textOf(fieldsOf(volume['hostPath'])['path'])
}

function below(folder: string | undefined, subPath: string): string | undefined {
  return folder === undefined ? undefined : posix.join(folder, subPath)
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}

function listOf(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : []
}

function wordsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}
