import { boolean, option, string } from '@oclif/core/flags'

/** Every command. `--verbose` counts. */
export const outputFlags = {
  json: boolean({ description: 'for programs: JSON on standard output' }),
  quiet: boolean({ char: 'q', description: 'say only what is wrong' }),
  verbose: boolean({ char: 'v', description: 'say more; -vv shows the causes of an error, and where a run spends its time' }),
}

/** Commands that open a repository. */
export const repositoryFlags = {
  config: string({
    char: 'c',
    helpValue: 'FILE',
    description: 'pipeline file; default: KPIPE_CONFIG, backup.yaml, kpipe.yaml, then the configuration folder',
  }),
  store: string({ helpValue: 'PATH', description: 'the repository itself, without a pipeline file' }),
  'key-file': string({ helpValue: 'FILE', description: 'key of the repository' }),
  'recovery-phrase-file': string({ helpValue: 'FILE', description: 'recovery phrase of the repository, instead of the key' }),
  'password-file': string({ helpValue: 'FILE', description: 'password of the repository, instead of the key' }),
  'expect-head': string({ helpValue: 'N:DIGEST', description: 'refuse a history that does not reach this head' }),
  stage: string({
    helpValue: 'NAME=PATH',
    multiple: true,
    multipleNonGreedy: true,
    description: 'where to find a stage that is not of kpipe itself',
  }),
}

export const snapshotFlags = {
  name: string({ helpValue: 'NAME', description: 'look only at snapshots of this name' }),
}

/** `--write-out`, as etcdctl has it. */
export function writeOutFlag<const Formats extends readonly string[]>(formats: Formats) {
  return option({ char: 'w', charAliases: ['o'], helpValue: formats.join('|'), options: formats, description: 'format of the output' })()
}
