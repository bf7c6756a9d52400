import { KpipeError } from '@kpipe/engine/contracts'
import type { Candidate, Choice } from './choose.ts'

/** Why no endpoint gives a snapshot: the reason where there is one endpoint, what they have in common, or that none could be reached. */
export function failureOfAll({ fit, unfit }: Choice<Candidate>, failures: readonly KpipeError[], pinned: string | undefined): KpipeError {
  if (pinned !== undefined && fit.length === 0) return notThere(pinned, unfit, failures)
  const corrupt = unfit.length > 0 && unfit.every(({ reasons }) => reasons.some((reason) => reason.includes('corrupt')))
  if (failures.length === 1 && unfit.length === 0) return withWays(failures[0])
  const seen = [
    ...failures.map(({ message }) => message),
    ...unfit.map(({ candidate, reasons }) => `etcd at ${candidate.endpoint}: ${reasons.join(', ')}`),
  ]
  const text = `none of ${seen.length} endpoints gives a snapshot: ${seen.join('; ')}`
  const details = { endpoints: seen }
  if (corrupt && failures.length === 0) return new KpipeError('KPIPE_SOURCE_CORRUPT', text, details)
  const tokenless = failures.find((failure) => failure.details['quorum'] === 'lost')
  if (tokenless !== undefined) return withWays(new KpipeError(tokenless.code, text, { ...details, quorum: 'lost' }))
  const code =
    unfit.length === 0 && new Set(failures.map((failure) => failure.code)).size === 1 ? failures[0].code : 'KPIPE_SOURCE_UNREACHABLE'
  return new KpipeError(code, text, details)
}

/** Without a majority a password is of no use, and what is left is not to be guessed on that day. */
function withWays(failure: KpipeError): KpipeError {
  const { code, message, details } = failure
  if (details['quorum'] !== 'lost') return failure
  const ways =
    'a token needs quorum; without it there are the client certificate of a user with the role root, and the data directory of a member'
  return new KpipeError(code, `${message}; ${ways}`, details, { cause: failure })
}

function notThere(pinned: string, unfit: Choice<Candidate>['unfit'], failures: readonly KpipeError[]): KpipeError {
  const there = unfit.map(({ candidate: { name, endpoint, status } }) =>
    [name, status?.header.memberId ?? '', endpoint].filter((word) => word !== '').join(' '),
  )
  const seen = [...there, ...failures.map(({ message }) => message)]
  return new KpipeError('KPIPE_SOURCE_UNREACHABLE', `no endpoint leads to the member ${pinned}; there are: ${seen.join('; ')}`, {
    endpoints: seen,
  })
}
