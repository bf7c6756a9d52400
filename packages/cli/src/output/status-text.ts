import { sizeText } from './size-text.ts'
import { boxedTable } from './table.ts'

/** What `snapshot status` of etcdutl 3.6 tells, under its names and in its order. */
export interface EtcdStatus {
  /** CRC-32C over all buckets, as a number. */
  readonly hash: number
  readonly revision: number
  readonly totalKey: number
  readonly totalSize: number
  /** Empty when the database names none. */
  readonly version: string
}

export const statusFormats = ['table', 'json', 'simple', 'fields', 'yaml'] as const
export type StatusFormat = (typeof statusFormats)[number]

/** The shapes of etcdutl 3.6, to the byte; `yaml` is ours. */
export async function statusText(status: EtcdStatus, format: StatusFormat): Promise<string> {
  switch (format) {
    case 'table':
      return boxedTable(['HASH', 'REVISION', 'TOTAL KEYS', 'TOTAL SIZE', 'VERSION'], [cells(status)], Array(5).fill('right'))
    case 'json': {
      const { hash, revision, totalKey, totalSize, version } = status
      return `${JSON.stringify({ hash, revision, totalKey, totalSize, version })}\n`
    }
    case 'simple':
      return `${cells(status).join(', ')}\n`
    case 'fields':
      return fields(status)
    case 'yaml':
      return (await import('yaml')).stringify(status)
  }
}

/** The hash is not padded with zeros, as etcdutl does not pad it. */
function cells({ hash, revision, totalKey, totalSize, version }: EtcdStatus): string[] {
  return [hash.toString(16), String(revision), String(totalKey), sizeText(totalSize), version]
}

/** Go's Println puts a blank before an empty value, too. */
function fields({ hash, revision, totalKey, totalSize, version }: EtcdStatus): string {
  const lines = { Hash: hash, Revision: revision, Keys: totalKey, Size: totalSize, Version: version }
  return Object.entries(lines)
    .map(([name, value]) => `"${name}" : ${value}\n`)
    .join('')
}
