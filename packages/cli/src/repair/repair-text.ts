import type { KeySlot, RepairReport, Repository } from '@kpipe/repository'
import { kindNames } from '../keys/key-table.ts'
import { sizeText } from '../output/size-text.ts'

/** For programs. */
export function repairLine(report: RepairReport, applied: boolean, head: string): Record<string, unknown> {
  const { entries, keys, recovered, leftovers, chunksLost, chunksHealed, damaged } = report
  return {
    message_type: 'summary',
    applied,
    entries,
    keys: keys === undefined ? null : { kept: keys.kept, left_out: keys.leftOut, unlisted: keys.unlisted },
    recovered_snapshots: recovered,
    leftover_packs: leftovers.packs,
    leftover_bytes: leftovers.bytes,
    chunks_lost: chunksLost,
    chunks_healed: chunksHealed,
    damaged_snapshots: damaged,
    head,
  }
}

/** For people: what is lost, what is assumed, and what follows. @param slots as they were listed before */
export function repairText(report: RepairReport, repository: Repository, slots: readonly KeySlot[], applied: boolean): string {
  return [...entryLines(report), ...keyLines(report, slots, applied), ...chunkLines(report, repository, applied)]
    .map((line) => `${line}\n`)
    .join('')
}

function entryLines({ entries, recovered, leftovers }: RepairReport): string[] {
  const lines = entries.map(({ object, reason, known }) => {
    const effect = known ? 'a checkpoint knows what it said: nothing is lost' : 'what it said is lost'
    return `${object}: ${reason}; ${effect}`
  })
  if (entries.some(({ known }) => !known)) {
    if (recovered.length > 0)
      lines.push(
        `${recovered.length} later ${recovered.length === 1 ? 'snapshot needs' : 'snapshots need'} what it said, which is told from the packs that are there`,
      )
    lines.push('a lost entry may have made a snapshot, or forgotten one: compare the list with what you know')
    if (leftovers.packs > 0) {
      const packs = leftovers.packs === 1 ? 'one pack belongs' : `${leftovers.packs} packs belong`
      lines.push(
        `${packs} to no snapshot, ${sizeText(leftovers.bytes)}: of backups that run or died, or of a lost entry; all of it stays where it is`,
      )
    }
  }
  return lines
}

function keyLines({ keys }: RepairReport, slots: readonly KeySlot[], applied: boolean): string[] {
  if (keys === undefined) return []
  const told = (id: string): string => {
    const slot = slots.find((candidate) => candidate.id === id)
    return slot === undefined ? id : `${id}, a ${kindNames[slot.kind]} of ${slot.created.toISOString()}${slot.opened ? ', used now' : ''}`
  }
  return [
    `a lost entry may have added or removed keys: a new epoch ${applied ? 'began' : 'would begin'} for those that are listed without it`,
    ...keys.kept.map((id) => `  kept      ${told(id)}`),
    ...keys.leftOut.map((id) => `  left out  ${told(id)}`),
    ...keys.unlisted.map((name) => `  unlisted  ${name}: opens nothing; add the key again if it is yours`),
    ...(applied ? [] : ['if one of those kept was removed, leave it out with --without-slot ID']),
  ]
}

function chunkLines({ chunksLost, chunksHealed, damaged }: RepairReport, repository: Repository, applied: boolean): string[] {
  const lines: string[] = []
  if (chunksLost > 0) {
    const found = chunksHealed === 0 ? 'none of them' : `${chunksHealed} of them`
    lines.push(
      `${chunksLost} chunks of snapshots are lost; other packs hold ${found}${chunksHealed > 0 && !applied ? ', where they would be found' : ''}`,
    )
  }
  const names = new Map(repository.snapshots().map(({ id, name, shortId }) => [id, `${shortId} of ${name}`]))
  for (const id of damaged) {
    const told = names.get(id) ?? `${id.slice(0, 12)}, whose name cannot be read`
    lines.push(
      `snapshot ${told} ${applied || chunksHealed === 0 ? 'stays' : 'is'} damaged until it is forgotten, or what it lacks is stored again`,
    )
  }
  return lines
}
