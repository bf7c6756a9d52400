import { isDeepStrictEqual } from 'node:util'
import type { PropertySchema, StageBase, StageKind } from '../contracts/index.ts'
import { schemaProblems } from '../stages/schema-problems.ts'
import { readSettings } from '../stages/settings.ts'
import { stageFault } from '../stages/stage-shape.ts'
import { type ConformanceCase, demand, type GivenSettings } from './conformance-case.ts'

const maxSummary = 120

/** What stages of all kinds promise about themselves. */
export function descriptionCases(stage: StageBase<StageKind>, kind: StageKind): ConformanceCase[] {
  return [
    {
      title: 'it says what it is in one line',
      async run() {
        const fault = stageFault(stage)
        demand(fault === undefined, `the stage ${fault}`)
        demand(stage.kind === kind, `its kind is ${stage.kind}, not ${kind}`)
        const { summary } = stage
        demand(
          summary !== '' && summary.length <= maxSummary && !summary.includes('\n'),
          `its summary is no line of 1 to ${maxSummary} characters`,
        )
      },
    },
    {
      title: 'every setting is described, and its default and examples fit',
      async run() {
        demand(stage.settings.additionalProperties === false, 'its schema lets unknown settings pass')
        for (const [name, property] of Object.entries(stage.settings.properties)) {
          demand(typeof property.description === 'string' && property.description !== '', `setting ${name} has no description`)
          for (const value of valuesOf(property)) {
            const [problem] = await schemaProblems(property, value)
            demand(
              problem === undefined,
              `setting ${name}: the value ${JSON.stringify(value)} of its own schema does not fit: ${problem?.message}`,
            )
          }
        }
      },
    },
  ]
}

/** @throws Error when the settings do not fit the schema */
export async function filled<Settings>(stage: StageBase<StageKind>, settings: GivenSettings = {}): Promise<Settings> {
  const read = await readSettings(stage.settings, settings, process.cwd())
  demand(read.problems.length === 0, `the settings of the test do not fit: ${read.problems.map((problem) => problem.message).join('; ')}`)
  return read.settings as Settings
}

/** Facts and plans cross threads and are written down: nothing of them may get lost on the way. */
export function demandPlain(value: unknown, what: string): void {
  const written = JSON.stringify(value)
  demand(written !== undefined && isDeepStrictEqual(JSON.parse(written), value), `${what} is no plain data`)
}

function valuesOf(property: PropertySchema): readonly unknown[] {
  return [...(property.default === undefined ? [] : [property.default]), ...(property.examples ?? [])]
}
