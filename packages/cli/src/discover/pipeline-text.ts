import { Document, isMap, isNode, isScalar, isSeq, stringify } from 'yaml'
import { visibleLine } from '../output/visible.ts'
import type { Beside } from './beside-snapshot.ts'
import type { Said } from './launch.ts'

/** What a pipeline file of a found etcd has in it. */
export interface PipelineParts {
  /** Where the etcd was found, and on which host. */
  readonly place: string
  readonly host: string
  readonly name: string | undefined
  readonly endpoints: readonly Said[]
  /** Settings of the source beside its endpoints, in order. */
  readonly settings: readonly (Said & { readonly name: string })[]
  /** Where a password comes from that no file may hold. */
  readonly passwordNote: string | undefined
  readonly dataDir: Said | undefined
  readonly walDir: Said | undefined
  readonly beside: readonly Beside[]
  readonly store: Said
  readonly keyFile: Said
}

/** A pipeline file, with where each value comes from. */
export function pipelineText(parts: PipelineParts, now = new Date()): string {
  const { place, host, name, endpoints, settings, beside, store, keyFile } = parts
  const attached = beside.filter(({ fault }) => fault === undefined)
  const document = new Document({
    ...(name !== undefined && { name: plain(name) }),
    source: {
      use: 'etcd',
      with: {
        endpoints: endpoints.map(({ value }) => plain(value)),
        ...Object.fromEntries(settings.map((one) => [one.name, literal(one)])),
      },
    },
    ...(attached.length > 0 && { attach: attached.map(({ path }) => plain(path)) }),
    store: { use: 'store-fs', with: { path: plain(store.value) } },
    key: { file: plain(keyFile.value) },
  })
  const note = (path: readonly (string | number)[], text: string) => {
    const node = document.getIn(path, true)
    if (isScalar(node)) node.comment = ` ${visibleLine(text)}`
  }
  document.commentBefore = comment([`Written by kpipe discover on ${host}, ${now.toISOString().replace(/\.\d+/, '')}, from ${place}.`])
  for (const [index, { from }] of endpoints.entries()) note(['source', 'with', 'endpoints', index], from)
  for (const { name: setting, from } of settings) note(['source', 'with', setting], from)
  note(['store', 'with', 'path'], store.from)
  note(['key', 'file'], keyFile.from)
  below(document, ['source', 'with'], sourceNotes(parts))
  for (const [index, { what }] of attached.entries()) note(['attach', index], what)
  const others = beside.filter(({ fault }) => fault !== undefined)
  const lines = others.map(({ path, what, fault }) => `- ${inYaml(path)} # ${what}; ${fault}`)
  if (attached.length > 0) {
    above(document, 'attach', ['What no snapshot holds, stored and sealed with it.'])
    below(document, ['attach'], lines)
  } else if (others.length > 0) above(document, 'store', ['What no snapshot holds:', 'attach:', ...lines.map((line) => `  ${line}`)])
  return document.toString({ lineWidth: 0 })
}

function sourceNotes({ passwordNote, dataDir, walDir }: PipelineParts): string[] {
  return [
    ...(passwordNote === undefined ? [] : [passwordNote]),
    ...(dataDir === undefined
      ? []
      : ['When this etcd is stopped, its files are enough: these in place of all above.', `dataDir: ${inYaml(dataDir.value)}`]),
    ...(dataDir === undefined || walDir === undefined ? [] : [`walDir: ${inYaml(walDir.value)}`]),
  ]
}

/** A reference to a variable is meant as one. */
function literal({ name, value }: Said & { readonly name: string }): string {
  return name === 'password' ? value : plain(value)
}

/** Text in which nothing is filled in. */
function plain(text: string): string {
  return text.replaceAll('${', '$${')
}

function inYaml(text: string): string {
  return stringify(plain(text), { lineWidth: 0 }).trim()
}

function comment(lines: readonly string[]): string {
  return lines.map((line) => ` ${visibleLine(line)}`).join('\n')
}

function above(document: Document, key: string, lines: readonly string[]): void {
  if (!isMap(document.contents)) return
  const found = document.contents.items.find((pair) => isScalar(pair.key) && pair.key.value === key)
  if (found !== undefined && isNode(found.key)) found.key.commentBefore = comment(lines)
}

function below(document: Document, path: readonly string[], lines: readonly string[]): void {
  const node = document.getIn(path, true)
  if (lines.length > 0 && (isMap(node) || isSeq(node))) node.comment = comment(lines)
}
