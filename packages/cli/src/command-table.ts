import type { Command } from './command.ts'
import type { ThreadsToBeginWith } from './threads.ts'

interface Entry {
  readonly summary: string
  /** Whether it gives work to other threads. */
  readonly usesThreads?: ThreadsToBeginWith
  load(): Promise<Command>
}

/** Every command, in the order of the help. A command's module is imported only when it runs. */
export const commandTable: Readonly<Record<string, Entry>> = {
  discover: {
    summary: 'Find the etcd of this host, and write a pipeline file for it.',
    load: async () => (await import('./commands/discover.ts')).discover,
  },
  init: {
    summary: 'Create the repository that a pipeline file names, with its key and recovery phrase.',
    load: async () => (await import('./commands/init.ts')).init,
  },
  run: {
    summary: 'Make one backup.',
    usesThreads: 'few',
    load: async () => (await import('./commands/run.ts')).run,
  },
  plan: {
    summary: 'Show what a run would do, and whether it could.',
    load: async () => (await import('./commands/plan.ts')).plan,
  },
  lint: {
    summary: 'Check a pipeline file.',
    load: async () => (await import('./commands/lint.ts')).lint,
  },
  restore: {
    summary: 'Write a snapshot back: as a file, byte for byte, or as a data directory.',
    usesThreads: 'all',
    load: async () => (await import('./commands/restore.ts')).restore,
  },
  snapshots: {
    summary: 'List the snapshots of a repository.',
    load: async () => (await import('./commands/snapshots.ts')).snapshots,
  },
  status: {
    summary: 'Show what `etcdutl snapshot status` shows, from the stored bytes.',
    usesThreads: 'all',
    load: async () => (await import('./commands/status.ts')).status,
  },
  members: {
    summary: 'List the members of the cluster, with their state.',
    load: async () => (await import('./commands/members.ts')).members,
  },
  check: {
    summary: 'Check that a repository is as it was stored.',
    load: async () => (await import('./commands/check.ts')).check,
  },
  drill: {
    summary: 'Prove that a snapshot restores.',
    usesThreads: 'all',
    load: async () => (await import('./commands/drill.ts')).drill,
  },
  forget: {
    summary: 'Take snapshots out of the repository by rules or by id.',
    load: async () => (await import('./commands/forget.ts')).forget,
  },
  prune: {
    summary: 'Give back the space of what no snapshot uses.',
    load: async () => (await import('./commands/prune.ts')).prune,
  },
  repair: {
    summary: 'Make a repository writable again whose log has lost entries, and heal snapshots.',
    load: async () => (await import('./commands/repair.ts')).repair,
  },
  'key list': {
    summary: 'List the keys that open the repository.',
    load: async () => (await import('./commands/key/list.ts')).list,
  },
  'key add': {
    summary: 'Let another key file, recovery phrase or password open the repository.',
    load: async () => (await import('./commands/key/add.ts')).add,
  },
  'key remove': {
    summary: 'Take a key off the list.',
    load: async () => (await import('./commands/key/remove.ts')).remove,
  },
  'key rotate': {
    summary: 'Write under new keys from now on.',
    load: async () => (await import('./commands/key/rotate.ts')).rotate,
  },
  stages: {
    summary: 'List the stages that a pipeline file can use.',
    load: async () => (await import('./commands/stages/list.ts')).list,
  },
  'stages show': {
    summary: 'Show what a stage does, its settings, and an example.',
    load: async () => (await import('./commands/stages/show.ts')).show,
  },
  'stages add': {
    summary: 'Add a package of a stage beside the pipeline file.',
    load: async () => (await import('./commands/stages/add.ts')).add,
  },
  'stages remove': {
    summary: 'Remove a package of a stage that was added.',
    load: async () => (await import('./commands/stages/remove.ts')).remove,
  },
  'stages create': {
    summary: 'Create a package of a stage, to begin with.',
    load: async () => (await import('./commands/stages/create.ts')).create,
  },
  'stages build': {
    summary: 'Pack a package of a stage with all that it depends on.',
    load: async () => (await import('./commands/stages/build.ts')).build,
  },
  'config show': {
    summary: 'Show what a run would go by, and where each value comes from.',
    load: async () => (await import('./commands/config-show.ts')).configShow,
  },
  schema: {
    summary: 'Print the JSON Schema of pipeline files, for editors.',
    load: async () => (await import('./commands/schema.ts')).schema,
  },
}
