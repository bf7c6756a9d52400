import { resolve } from 'node:path'
import { boolean, string } from '@oclif/core/flags'
import { string as word } from '@oclif/core/args'
import { KpipeError } from '@kpipe/engine/contracts'
import { command } from '../command.ts'
import { addEditorLine, writeSchemaBeside } from '../config/editor-schema.ts'
import { withHint } from '../failure.ts'
import { outputFlags, repositoryFlags } from '../flags.ts'
import { runInit } from '../init/run-init.ts'
import type { InitOutcome, PhrasePlace } from '../init/run-init.ts'
import type { Terminal } from '../terminal.ts'
import { paint } from '../terminal.ts'
import { fileOf } from '../where/file-argument.ts'
import { openStore, readPipelineFile } from '../where/open.ts'
import { findPipelineFile } from '../where/pipeline-file.ts'
import { openStages, parseOverrides } from '../where/stages.ts'

const noPhraseFlag = boolean({ description: 'make none: who loses the key loses every backup' })

export const init = command({
  summary: 'Create the repository that a pipeline file names, with its key and recovery phrase.',
  description:
    'Makes the key file unless it is there, a recovery phrase that opens the repository when the key is lost, and the repository. Nothing that exists is changed, but for one line of comment with --editor-schema.',
  examples: ['kpipe init backup.yaml', 'kpipe init -c backup.yaml --recovery-phrase-file /media/usb/kpipe-phrase.txt'],
  args: { file: word({ ignoreStdin: true, description: 'pipeline file' }) },
  flags: {
    config: repositoryFlags.config,
    'key-file': repositoryFlags['key-file'],
    'recovery-phrase-file': string({
      helpValue: 'FILE',
      description: 'write the recovery phrase to this new file instead of the terminal',
    }),
    'no-recovery-phrase': noPhraseFlag,
    'editor-schema': boolean({
      description: 'also write kpipe.schema.json beside the pipeline file, and the line into it that makes editors use it',
    }),
    stage: repositoryFlags.stage,
    ...outputFlags,
  },
  async run({ flags, args, terminal, signal }) {
    const phrase = placeOfPhrase(flags, terminal)
    const file = findPipelineFile(fileOf(args.file, flags.config), process.env)
    const pipeline = await readPipelineFile(file, openStages(parseOverrides(flags.stage)), process.env)
    const named = flags['key-file'] ?? process.env['KPIPE_KEY_FILE']
    const keyFile = named === undefined ? pipeline.key?.file : resolve(named)
    if (keyFile === undefined) throw noKeyFile(file)
    const store = await openStore({ store: pipeline.store, pipeline }, signal)
    const show = (text: string) => terminal.tell(shownPhrase(text))
    const outcome = await runInit({ store, keyFile, phrase, hash: pipeline.hash, show })
    report(terminal, { ...outcome, keyFile, location: store.location }, phrase)
    if (flags['editor-schema']) {
      await writeSchemaBeside(file)
      await addEditorLine(file)
    }
    return 0
  },
})

function report(
  terminal: Terminal,
  made: InitOutcome & { readonly keyFile: string; readonly location: string },
  phrase: PhrasePlace,
): void {
  const { id, head, keyCreated, resumed, keyFile, location } = made
  const phraseFile = phrase.kind === 'file' ? phrase.file : undefined
  if (terminal.json) {
    const files = { key_file: keyFile, key_created: keyCreated, recovery_phrase_file: phraseFile ?? null }
    terminal.line({ message_type: 'summary', repository_id: id, location, ...files, resumed, head })
    return
  }
  const rows = [
    `repository ${id} ${resumed ? 'finished' : 'created'} in ${location}`,
    `  key     ${keyFile}${keyCreated ? '' : ' (it was there before)'}`,
    `  phrase  ${phraseFile ?? (phrase.kind === 'terminal' ? 'shown above' : 'none')}`,
    `  head    ${head}`,
  ]
  if (terminal.verbosity >= 0) terminal.write(`${rows.join('\n')}\n`)
  terminal.say(advice(phrase))
}

/** @throws KpipeError KPIPE_USAGE when nobody would ever see the phrase */
function placeOfPhrase(
  flags: { 'recovery-phrase-file'?: string | undefined; 'no-recovery-phrase': boolean },
  terminal: Terminal,
): PhrasePlace {
  const file = flags['recovery-phrase-file']
  if (file !== undefined && flags['no-recovery-phrase']) {
    throw new KpipeError('KPIPE_USAGE', '--recovery-phrase-file and --no-recovery-phrase contradict each other')
  }
  if (file !== undefined) return { kind: 'file', file: resolve(file) }
  if (flags['no-recovery-phrase']) return { kind: 'nowhere' }
  if (terminal.isSeen) return { kind: 'terminal' }
  const error = new KpipeError('KPIPE_USAGE', 'there is no terminal to show the recovery phrase on')
  throw withHint(error, 'Give --recovery-phrase-file FILE, or --no-recovery-phrase to do without one.')
}

function noKeyFile(file: string): KpipeError {
  const error = new KpipeError('KPIPE_PIPELINE_INVALID', `${file} names no key file`, { file })
  return withHint(error, 'Add `key: { file: /etc/kpipe/repository.key }` to it, or give --key-file.')
}

function shownPhrase(phrase: string): string {
  return `\nRecovery phrase, shown this once:\n\n  ${paint('bold', phrase)}\n\nWrite it down: it opens the repository when the key is lost.\n`
}

function advice(phrase: PhrasePlace): string {
  const secrets = phrase.kind === 'nowhere' ? 'a copy of the key' : 'a copy of the key, and the recovery phrase,'
  return [
    `Keep ${secrets} off this host:`,
    'without them nobody can read the backups, and with them anybody can.',
    'One repository is one copy: keep another one elsewhere.',
  ].join('\n')
}
