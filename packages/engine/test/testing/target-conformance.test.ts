import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { type Facts, KpipeError, type PositionedTarget, type TargetContext, type TargetStage } from '@kpipe/engine/contracts'
import { targetConformance } from '@kpipe/engine/testing'
import { failures } from './failures.ts'

type Place = Map<string, Uint8Array>
const places = new Map<string, Place>()

async function place() {
  const name = String(places.size)
  const files: Place = new Map()
  places.set(name, files)
  return {
    settings: { place: name },
    visible: async () => files.get('snap'),
    everything: async () => [...files.keys()],
  }
}

let drafts = 0
const exists = () => new KpipeError('KPIPE_TARGET_EXISTS', 'snap exists')

/** Writes to a draft that gets its name at the end. */
function targetStage(
  change: (target: PositionedTarget, files: Place, draft: string, context: TargetContext) => Partial<PositionedTarget> = () => ({}),
  refuses = true,
): TargetStage<{ place: string }> {
  return {
    kind: 'target',
    summary: 'a target of a test',
    settings: {
      type: 'object',
      properties: { place: { type: 'string', description: 'Where.' } },
      required: ['place'],
      additionalProperties: false,
    },
    async open({ place }, context) {
      const { bytes } = context
      const files = places.get(place)!
      if (refuses && files.has('snap')) throw exists()
      const draft = `draft-${drafts++}`
      files.set(draft, new Uint8Array(bytes))
      const target: PositionedTarget = {
        ordered: false,
        async write(position, piece) {
          files.get(draft)!.set(piece, position)
        },
        async read(position, into) {
          const found = files.get(draft)!.subarray(position, position + into.length)
          into.set(found)
          return found.length
        },
        async commit() {
          if (files.has('snap')) throw exists()
          files.set('snap', files.get(draft)!)
          files.delete(draft)
        },
        async abort() {
          files.delete(draft)
        },
      }
      return { ...target, ...change(target, files, draft, context) }
    },
  }
}

/** One that says of itself what it made. */
function telling(committing: (commit: () => Promise<void>, tell: (facts: Facts) => void) => Promise<void>): TargetStage<{ place: string }> {
  return targetStage((target, _files, _draft, { made = () => {} }) => ({ commit: () => committing(target.commit, made) }))
}

const told = 'what it says of what it made is plain data, and comes once, when that is there'
const visible = 'nothing shows before commit, and then everything at once'
const byFile = 'its file can be written to from outside, where a target has one'
const folder = mkdtempSync(join(tmpdir(), 'kpipe-'))
const anotherFile = openSync(join(folder, 'another'), 'w+')
t.teardown(() => {
  closeSync(anotherFile)
  rmSync(folder, { recursive: true })
})

const broken: Record<string, { stage: TargetStage<{ place: string }>; title: string; says: RegExp }> = {
  'that shows what is written before commit': {
    stage: targetStage((target, files, draft) => ({
      async write(position, piece) {
        await target.write(position, piece)
        files.set('snap', files.get(draft)!)
      },
      commit: async () => void files.delete(draft),
    })),
    title: visible,
    says: /^something shows after 100000 of 300000 bytes, before commit$/,
  },
  'that shows an empty file when it is opened': {
    stage: targetStage((_target, files) => {
      files.set('snap', new Uint8Array(0))
      return {}
    }),
    title: visible,
    says: /^something shows when a target was opened$/,
  },
  'that shows nothing after commit': {
    stage: targetStage(() => ({ commit: async () => {} })),
    title: visible,
    says: /^nothing shows after commit$/,
  },
  'that leaves its draft behind': {
    stage: targetStage(() => ({ abort: async () => {} })),
    title: 'what is given up leaves nothing behind',
    says: /^draft-\d+ was left behind when it was given up after 0 bytes$/,
  },
  'that replaces what exists': {
    stage: targetStage(
      (_target, files, draft) => ({
        async commit() {
          files.set('snap', files.get(draft)!)
          files.delete(draft)
        },
      }),
      false,
    ),
    title: 'what exists is refused and stays as it is',
    says: /^opening a target that exists is not refused$/,
  },
  'that replaces what has appeared meanwhile': {
    stage: targetStage((_target, files, draft) => ({
      async commit() {
        files.set('snap', files.get(draft)!)
        files.delete(draft)
      },
    })),
    title: 'what exists is refused and stays as it is',
    says: /^committing over what has appeared meanwhile is not refused$/,
  },
  'that keeps pieces that are not its own': {
    stage: targetStage((target) => {
      const pieces: [number, Uint8Array][] = []
      return {
        write: async (position, piece) => void pieces.push([position, piece]),
        async commit() {
          for (const [position, piece] of pieces) await target.write(position, piece)
          await target.commit()
        },
      }
    }),
    title: 'bytes may be used for something else when they are written',
    says: /^what shows after commit differs at byte \d+ of 300000$/,
  },
  'that says positions and goes by order': {
    stage: targetStage((target) => {
      let at = 0
      return {
        async write(_position, piece) {
          await target.write(at, piece)
          at += piece.length
        },
      }
    }),
    title: 'pieces may come in any order and be read back, where a target takes positions',
    says: /^what is read back differs/,
  },
  'whose file is another one': {
    stage: targetStage(() => ({ file: { fd: anotherFile, written: () => {}, failed: (error) => error } })),
    title: byFile,
    says: /^what is read back of what its file was given differs/,
  },
  'that has no words for a fault of its file': {
    stage: targetStage(() => ({ file: { fd: anotherFile, written: () => {}, failed: () => undefined as never } })),
    title: byFile,
    says: /is told as nothing$/,
  },
  'that says something is made when nothing is': {
    stage: targetStage((_target, _files, _draft, { made }) => {
      made?.({})
      return {}
    }),
    title: told,
    says: /^something is said to be made before commit$/,
  },
  'that says something is made and then fails': {
    stage: telling((commit, tell) => {
      tell({})
      return commit()
    }),
    title: told,
    says: /^something is said to be made by a commit that failed$/,
  },
  'that says twice what it made': {
    stage: telling(async (commit, tell) => {
      await commit()
      tell({})
      tell({})
    }),
    title: told,
    says: /^what was made is told 2 times$/,
  },
  'that tells what cannot be written down': {
    stage: telling(async (commit, tell) => {
      await commit()
      tell({ at: new Date() as never })
    }),
    title: told,
    says: /^what is told of what was made is no plain data$/,
  },
  'that changes the facts of the snapshot': {
    stage: targetStage((_target, _files, _draft, { facts }) => {
      if (facts) Object.assign(facts, { revision: 8 })
      return {}
    }),
    title: told,
    says: /^the facts of the snapshot were changed$/,
  },
}

t.test('a target that keeps its promises passes', async (t) => {
  t.same(await failures(targetConformance(targetStage(), place)), {})
  const tells = telling(async (commit, tell) => {
    await commit()
    tell({ member_id: '00000000000000aa' })
  })
  t.same(await failures(targetConformance(tells, place)), {})
})

for (const [what, { stage, title, says }] of Object.entries(broken)) {
  t.test(`a target ${what} is caught`, async (t) => {
    const failed = await failures(targetConformance(stage, place))
    t.match(failed[title], says, title)
  })
}
