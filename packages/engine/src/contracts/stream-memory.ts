/**
 * What this host keeps of a stream to go through the next one of its kind quicker. To lose it costs time and nothing else, so nothing
 * here fails. The repository implements it.
 */
export interface StreamMemory {
  /** What was remembered of the parent's segment with that number, undefined when there is nothing. Asked for in ascending order. */
  recall(segment: number): Promise<Uint8Array | undefined>
  /** Keeps what is to be remembered of the next segment of this stream. The bytes may change when it returns. */
  remember(record: Uint8Array): void
}
