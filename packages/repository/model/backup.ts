import { encodePackNumbers } from '../src/log/pack-numbers.ts'
import type { Payload } from '../src/log/payload.ts'
import type { LogState } from '../src/log/state.ts'
import { chunkOf, packsOf } from './places.ts'
import type { Rules } from './rules.ts'
import { done, givenUp } from './step.ts'
import type { Step } from './step.ts'
import { append, makePack, packHex, shortName, shortPack, snapshotHex, tagHex, writerHex, writerId } from './world.ts'
import type { Actor, Recipe, World } from './world.ts'

/** What a writer makes of its parent. */
interface Plan {
  readonly parent: string | undefined
  readonly recipe: Recipe
  /** Older packs. */
  readonly uses: readonly string[]
  /** Chunks that it stores itself. */
  readonly fresh: readonly string[]
  /** Copies that were known to be lost at its OPEN, "<chunk> <pack>". */
  readonly knewLost: readonly string[]
}

export interface BackupOptions {
  /** Chunks of the stream. */
  readonly wants: string
  /** Names other than its parent's in one repository: any snapshot may be the parent. Default: the newest is. */
  readonly anyParent?: boolean
  /** Whether unchanged rows stay as the parent's recipe has them, which names packs as they were. Default true. */
  readonly keepsRows?: boolean
}

/** As backup-writer.ts and begin-backup.ts do it: guess the parent, OPEN, store, SNAPSHOT; or ABORT. One pack, its name is "<name>0". */
export function backup(options: BackupOptions): Step[] {
  const read: Step = (world, actor, rules) =>
    candidates(world.state, options).map((parent) =>
      done(world, actor, `reads the log, parent ${parent ?? 'none'}`, {
        plan: planOf(world, rules, actor.name, parent, options),
        guessed: recordOf(world, options.anyParent === true ? parent : newestOf(world.state), rules.notesDamageAtOpen),
      }),
    )
  const open: Step = (world, actor, rules) => {
    const payload: Payload = { kind: 'OPEN', time: 0, writer: writerId(actor.name), tool: '', host: '', boot: '', pid: 0 }
    const opened = append(world, rules.fold, payload)
    // Before this OPEN others may have committed a newer one, or a collector may have moved its chunks.
    const { parent } = actor.memory['plan'] as Plan
    const now = options.anyParent === true ? parent : newestOf(opened.state)
    const keeps =
      !rules.looksAtOpen ||
      actor.memory['stored'] !== undefined ||
      recordOf(opened, now, rules.notesDamageAtOpen) === actor.memory['guessed']
    const kept = { ...(actor.memory['plan'] as Plan), knewLost: [...world.told] }
    const plan = keeps ? kept : planOf(opened, rules, actor.name, now, options)
    const relies = plan.uses.filter((pack) => isInUse(opened.state, pack))
    return [done(opened, actor, 'OPEN', { plan, guessed: undefined, epoch: opened.state.epoch, relies })]
  }
  const store: Step = (world, actor) => {
    const { fresh } = actor.memory['plan'] as Plan
    if (fresh.length === 0) return [done(world, actor, 'stores nothing')]
    return [
      done(makePack(world, `${actor.name}0`, fresh), actor, `stores ${fresh.join('')} in ${actor.name}0`, { stored: `${actor.name}0` }),
    ]
  }
  const commit: Step = (world, actor, rules) => {
    if (!rules.mayCommit(world, actor)) return [abort(world, actor, rules)]
    return [snapshot(world, actor, rules)]
  }
  const abort = (...[world, actor, rules]: Parameters<Step>): ReturnType<typeof givenUp> =>
    givenUp(append(world, rules.fold, { kind: 'ABORT', time: 0, writer: writerId(actor.name), reason: '' }), actor, 'ABORT')
  const first: Step = (...all) => (all[2].opensFirst ? open : store)(...all)
  const second: Step = (...all) => (all[2].opensFirst ? store : open)(...all)
  return [read, first, second, commit]
}

function isInUse(state: LogState, pack: string): boolean {
  const number = state.packsById.get(packHex(pack))?.number
  return number !== undefined && !state.condemned.has(number)
}

/** As RepositoryWriter's #demandPossible. */
export function mayCommit({ state }: World, { name, memory }: Actor): boolean {
  const { uses } = memory['plan'] as Plan
  return state.writers.has(writerHex(name)) && state.epoch === memory['epoch'] && uses.every((pack) => state.packsById.has(packHex(pack)))
}

function snapshot(...[world, actor, rules]: Parameters<Step>): ReturnType<typeof done> {
  const { recipe, uses, knewLost } = actor.memory['plan'] as Plan
  const numbers = uses.map((pack) => world.numbers.get(pack)!).toSorted((one, other) => one - other)
  const recipes = new Map(world.recipes).set(actor.name, recipe)
  const payload: Payload = {
    kind: 'SNAPSHOT',
    time: 0,
    writer: writerId(actor.name),
    packs: actor.memory['stored'] === undefined ? [] : [['D', 0, 1, 1, Buffer.alloc(32)]],
    uses: encodePackNumbers(numbers),
    manifest: { id: Buffer.from(snapshotHex(actor.name), 'hex'), counter: 0, offset: 0, stored_bytes: 0, epoch: 1 },
  }
  const committed = append({ ...world, recipes, owed: new Set(world.owed).add(actor.name) }, rules.fold, payload)
  const rotten = committed.state.snapshots.has(snapshotHex(actor.name)) ? rottenRows(committed, actor.name, recipe, knewLost) : []
  const excused = new Set([...committed.excused, ...rotten])
  const fault =
    (actor.memory['epoch'] as number) < committed.state.epoch
      ? `snapshot ${actor.name} came after the keys were rotated and is sealed with the old ones`
      : undefined
  return givenUp(
    { ...committed, excused, fault },
    actor,
    `SNAPSHOT ${Object.entries(recipe)
      .map(([tag, pack]) => `${tag}@${pack}`)
      .join(' ')}, uses ${uses.join(' ') || 'no older packs'}`,
  )
}

/** Nobody can be blamed for rot that nobody had noted when the writer read its parent; once healed, the chunk is found elsewhere. */
function rottenRows(world: World, name: string, recipe: Recipe, knewLost: readonly string[]): string[] {
  return Object.keys(recipe)
    .filter((tag) => {
      const { rottenIn } = chunkOf(world, name, tag)
      if (rottenIn !== undefined) return !knewLost.includes(`${tag} ${rottenIn}`)
      return isNoted(world, name, tag) && !knewLost.includes(`${tag} ${recipe[tag]}`) && !world.state.healed.has(tagHex(tag))
    })
    .map((tag) => `${name} ${tag}`)
}

function isNoted({ state, recipes }: World, name: string, tag: string): boolean {
  const named = recipes.get(name)![tag]
  const number = state.packsById.get(packHex(named))?.number
  const isLost = number !== undefined && state.damaged.get(number)?.tags.has(tagHex(tag)) === true
  return isLost && packsOf(state, name, named, tag).length === 0
}

function candidates(state: LogState, { anyParent }: BackupOptions): (string | undefined)[] {
  if (anyParent !== true) return [newestOf(state)]
  return [...[...state.snapshots.keys()].map(shortName), undefined]
}

/** What a snapshot uses, and what of it is lost; another text after every entry that changes it. */
function recordOf({ state }: World, name: string | undefined, notesDamage: boolean): string {
  const packs = name === undefined ? undefined : state.snapshots.get(snapshotHex(name))?.packs
  if (packs === undefined) return ''
  const lostIn = (number: number): string => (notesDamage ? [...(state.damaged.get(number)?.tags ?? [])].map(shortName).join('') : '')
  return [name, ...packs.map((number) => `${shortPack(state.packs.get(number)!.id)}:${lostIn(number)}`)].join(' ')
}

function newestOf({ snapshots }: LogState): string | undefined {
  const newest = [...snapshots.keys()].at(-1)
  return newest === undefined ? undefined : shortName(newest)
}

/** As parent.ts follows a parent's chunks: what is in exactly one pack that is there is known, the rest is stored again. */
function planOf(world: World, rules: Rules, name: string, parent: string | undefined, { wants, keepsRows = true }: BackupOptions): Plan {
  const rows = parent === undefined || !world.state.snapshots.has(snapshotHex(parent)) ? {} : world.recipes.get(parent)!
  const recipe: Record<string, string> = {}
  const [uses, fresh] = [new Set<string>(), [] as string[]]
  const state = rules.parentState(world.state)
  for (const tag of wants) {
    const packs = rows[tag] === undefined ? [] : packsOf(state, parent!, rows[tag], tag)
    if (packs.length === 1 && world.objects.has(packs[0])) {
      uses.add(packs[0])
      recipe[tag] = keepsRows ? rows[tag] : packs[0]
    } else {
      fresh.push(tag)
      recipe[tag] = `${name}0`
    }
  }
  return { parent, recipe, uses: [...uses].toSorted(), fresh, knewLost: [...world.told] }
}
