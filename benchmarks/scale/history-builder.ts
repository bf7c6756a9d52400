import { join } from 'node:path'
import { backup, startWorkers, stageLoader, streamDigest, useStage, type LoadedStage } from '@kpipe/engine'
import type { ChunkStage, CodecStage, HashStage, InspectStage, SourceStage } from '@kpipe/engine/contracts'
import { openRepository, readKeyFile, type BackupWriter } from '@kpipe/repository'
import { directoryStore } from '../../packages/stage-store-fs/src/store-fs.ts'
import { systemFiles, type FileSystem } from '../../packages/stage-store-fs/src/file-system.ts'
import type { BenchRepository } from '../measure/repository.ts'

/** Makes backups one after the other in this process, as if made at other times, and without waiting for the disk. */
export interface HistoryBuilder {
  /** Takes in what other processes did to the repository; before the first backup, too. */
  open(): Promise<void>
  backUp(path: string, time: Date): Promise<void>
  close(): Promise<void>
}

const stageNames = [
  ['source', 'file'],
  ['chunk', 'chunk'],
  ['hash', 'hash'],
  ['inspect', 'etcd'],
  ['codec', 'compress'],
  ['codec', 'seal'],
] as const

/** Durability is for who loses power. */
const unsynced: FileSystem = {
  ...systemFiles,
  async open(path, flags, mode) {
    const file = await systemFiles.open(path, flags, mode)
    return {
      writev: (parts) => file.writev(parts),
      read: (into, offset, length, position) => file.read(into, offset, length, position),
      stat: () => file.stat(),
      sync: async () => {},
      close: () => file.close(),
    }
  },
}

/** @param into must have been made */
export async function historyBuilder({ folder }: BenchRepository): Promise<HistoryBuilder> {
  const loader = stageLoader({ resolveOwn: (specifier) => import.meta.resolve(specifier) })
  const settings = (kind: string) => (kind === 'source' ? { path: 'given later' } : {})
  const stages = await Promise.all(stageNames.map(([kind, name]) => useStage(loader, kind, name, settings(kind), folder)))
  const [source, chunk, hash, inspect, ...codecs] = stages as unknown as [
    LoadedStage<SourceStage>,
    LoadedStage<ChunkStage>,
    LoadedStage<HashStage>,
    LoadedStage<InspectStage>,
    ...LoadedStage<CodecStage>[],
  ]
  const recordOf = ({ package: name, version, settings }: LoadedStage<unknown>) => ({ stage: name, version, settings })
  const tagger = await hash.stage.open(hash.settings as never)
  const store = directoryStore(join(folder, 'repository'), unsynced)
  const secret = await readKeyFile(join(folder, 'repository.key'))
  const workers = startWorkers()
  const { signal } = new AbortController()
  const open = () => openRepository({ store, secret, warn: () => {} })
  let repository: Awaited<ReturnType<typeof open>> | undefined

  return {
    async open() {
      await repository?.settled()
      repository = await open()
    },
    async backUp(path, time) {
      const opened = repository!
      const digest = streamDigest()
      const stream = await source.stage.open({ path } as never, { signal, digestSoFar: () => digest.soFar(), warn: () => {} })
      let writer: BackupWriter | undefined
      const report = await backup({
        stream,
        digest,
        chunk,
        hash,
        inspect,
        codecs,
        workers,
        signal,
        tagKey: opened.tagKey,
        async openSink({ id, pageBytes }) {
          const tagAlgorithm = tagger.algorithm
          writer = await opened.begin({ name: 'bench', member: '', chunking: id, pageBytes, codecs: codecs.map(recordOf), tagAlgorithm })
          return { sink: writer, known: writer.known, secrets: opened.secrets(codecs.map(recordOf)) }
        },
      })
      const { bytes, chunks, facts } = report
      const statistics = { chunks_fresh: report.chunksFresh, bytes_fresh: report.bytesFresh, bytes_encoded: report.bytesEncoded }
      const records = stages.map((stage) => recordOf(stage as LoadedStage<unknown>))
      await writer!.commit({ bytes, digest: report.digest, chunks, facts, tags: [], stages: records, statistics, time })
    },
    async close() {
      await repository?.settled()
      await workers.close()
    },
  }
}
