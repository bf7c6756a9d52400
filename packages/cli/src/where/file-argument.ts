import { KpipeError } from '@kpipe/engine/contracts'

/** `kpipe run FILE` and `kpipe run -c FILE` are the same; naming two different ones is a mistake. */
export function fileOf(argument: string | undefined, flag: string | undefined): string | undefined {
  if (argument !== undefined && flag !== undefined && argument !== flag) {
    throw new KpipeError('KPIPE_USAGE', `two pipeline files were given, ${argument} and ${flag}`)
  }
  return argument ?? flag
}
