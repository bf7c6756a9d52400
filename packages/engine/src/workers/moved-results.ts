import type { MovedResult } from './messages.ts'

/** Brings together results that come beside their task's answer, in whichever order the two arrive. */
export class MovedResults {
  readonly #arrived = new Map<number, object>()
  readonly #awaited = new Map<number, (result: object) => void>()
  #nextTicket = 0

  ticket(): number {
    return this.#nextTicket++
  }

  arrive({ ticket, result }: MovedResult): void {
    const deliver = this.#awaited.get(ticket)
    if (!deliver) {
      this.#arrived.set(ticket, result)
      return
    }
    this.#awaited.delete(ticket)
    deliver(result)
  }

  /** The result that a worker has sent before it answered. */
  async take<Result extends object>(ticket: number): Promise<Result> {
    const arrived = this.#arrived.get(ticket)
    if (arrived) {
      this.#arrived.delete(ticket)
      return arrived as Result
    }
    // A thread without a task does not keep the process alive, and this one may have answered already.
    const alive = setInterval(() => {}, 60_000)
    try {
      return (await new Promise<object>((resolve) => this.#awaited.set(ticket, resolve))) as Result
    } finally {
      clearInterval(alive)
    }
  }
}
