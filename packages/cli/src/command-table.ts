import type { Command } from './command.ts'

interface Entry {
  readonly summary: string
  /** Whether it gives work to other threads. */
  readonly usesThreads?: true
  load(): Promise<Command>
}

/** Every command, in the order of the help. A command's module is imported only when it runs. */
export const commandTable: Readonly<Record<string, Entry>> = {
  init: {
    summary: 'Create the repository that a pipeline file names, with its key and recovery phrase.',
    load: async () => (await import('./commands/init.ts')).init,
  },
  run: {
    summary: 'Make one backup.',
    usesThreads: true,
    load: async () => (await import('./commands/run.ts')).run,
  },
  lint: {
    summary: 'Check a pipeline file.',
    load: async () => (await import('./commands/lint.ts')).lint,
  },
  restore: {
    summary: 'Write a snapshot back, byte for byte.',
    usesThreads: true,
    load: async () => (await import('./commands/restore.ts')).restore,
  },
  snapshots: {
    summary: 'List the snapshots of a repository.',
    load: async () => (await import('./commands/snapshots.ts')).snapshots,
  },
  status: {
    summary: 'Show what `etcdutl snapshot status` shows, from the stored bytes.',
    usesThreads: true,
    load: async () => (await import('./commands/status.ts')).status,
  },
}
