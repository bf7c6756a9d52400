import { openChannel, type Channel, type ChannelOptions } from '../channel.ts'
import type { Answer, Asked } from '../members/ask-members.ts'
import { askHashKv, learnerError, type HashKvAnswer } from './hash-kv-answer.ts'

/** A member of the cluster and what it said of its history. */
export interface MemberHash {
  /** Undefined when it does not tell. */
  readonly id: string | undefined
  readonly name: string
  /** Undefined when no endpoint leads to it. */
  readonly endpoint: string | undefined
  readonly version: string | undefined
  readonly answer: HashKvAnswer
}

export interface Hashes {
  /** Asks at the guessed revision, so that members hash while the stream flows. */
  begin(): void
  /** HashKV of that revision, of every member; those that have not answered within the time for questions from now on are silent. */
  at(revision: number): Promise<readonly MemberHash[]>
  /** Asks those again whose answer may be another one now. */
  again(hashes: readonly MemberHash[], revision: number, isWorth: (hash: MemberHash) => boolean): Promise<readonly MemberHash[]>
  /** To be called before the members' connections are closed: others are made in place of those that are lost. */
  close(): Promise<void>
}

type Asking = (revision: number) => { readonly ended: Promise<HashKvAnswer>; readonly member: Omit<MemberHash, 'answer'> }

/** Early questions end with the connection: they have the time that the stream takes. */
const earlyPatienceMs = 3_600_000

/**
 * Asks all members that were reached, all at once.
 * @param guess the revision that the snapshot may have in the end
 */
export function askHashes(asked: Asked, guess: Promise<number | undefined>, options: ChannelOptions): Hashes {
  const reopened: Channel[] = []
  let isClosed = false
  const { dialTimeoutMs } = options
  const askings = [...asked.answers.map((answer) => reached(answer)), ...notReached(asked)]
  let early: Promise<{ readonly revision: number; readonly asking: ReturnType<Asking>[] } | undefined> | undefined

  function reached(answer: Answer): Asking {
    const { status, endpoint, name } = answer
    const member = { id: idOf(answer), name, endpoint, version: status?.version }
    let { channel } = answer
    const question = async (revision: number): Promise<HashKvAnswer> => {
      if (status?.isLearner === true) return { error: learnerError }
      const first = await askHashKv(channel, revision, earlyPatienceMs)
      if (!('passing' in first) || first.passing !== 'lost' || isClosed) return first
      // A connection without traffic may have been cut on the way.
      try {
        channel = await openChannel(channel.endpoint, options)
        if (isClosed) await channel.close()
        else reopened.push(channel)
      } catch (error) {
        return { error: error instanceof Error ? error.message : String(error) }
      }
      return askHashKv(channel, revision, earlyPatienceMs)
    }
    return (revision) => ({ member, ended: question(revision) })
  }

  async function settle(asking: ReturnType<Asking>): Promise<MemberHash> {
    const late = { error: `HashKV has no answer within ${dialTimeoutMs / 1000} s` }
    return { ...asking.member, answer: await within(dialTimeoutMs, asking.ended, late) }
  }

  return {
    begin() {
      early ??= guess.then((revision) =>
        revision === undefined || isClosed ? undefined : { revision, asking: askings.map((ask) => ask(revision)) },
      )
    },
    async at(revision) {
      const begun = await early
      const asking = begun?.revision === revision ? begun.asking : askings.map((ask) => ask(revision))
      return Promise.all(asking.map(settle))
    },
    again: (hashes, revision, isWorth) =>
      Promise.all(hashes.map((hash, index) => (isWorth(hash) ? settle(askings[index](revision)) : hash))),
    async close() {
      isClosed = true
      await Promise.all(reopened.map((channel) => channel.close()))
    },
  }
}

const idOf = ({ status, list }: Answer): string | undefined => (status ?? list)?.header.memberId

/** Endpoints that gave no answer, and members that no endpoint leads to. */
function notReached({ answers, failures, list }: Asked): Asking[] {
  const of =
    (member: Omit<MemberHash, 'answer'>, error: string): Asking =>
    () => ({ member, ended: Promise.resolve({ error }) })
  const ids = new Set(answers.map(idOf))
  const missing = (list?.members ?? []).filter(({ id }) => !ids.has(id))
  const memberAt = (endpoint: string) => missing.find(({ clientUrls }) => clientUrls.some((url) => URL.parse(url)?.host === endpoint))
  const failed = failures.map(({ endpoint, error }) => ({ endpoint, error, member: memberAt(endpoint) }))
  return [
    ...failed.map(({ endpoint, error, member }) =>
      of({ id: member?.id, name: member?.name ?? '', endpoint, version: undefined }, error.message),
    ),
    ...missing
      .filter(({ id }) => !failed.some(({ member }) => member?.id === id))
      .map(({ id, name }) => of({ id, name, endpoint: undefined, version: undefined }, 'no endpoint leads to it')),
  ]
}

async function within<Value>(ms: number, work: Promise<Value>, late: Value): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<Value>((resolve) => void (timer = setTimeout(resolve, ms, late)))
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer))
}
