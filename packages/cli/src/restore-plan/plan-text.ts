import { sizeText } from '../output/size-text.ts'
import { visibleLine } from '../output/visible.ts'
import type { RestorePlan } from './decide.ts'
import type { Part, Step } from './step.ts'

/** A plan for people: Markdown that reads well as it is. */
export function planText(plan: RestorePlan, steps: readonly Step[]): string {
  const { snapshot, members, assumed } = plan
  const { drill } = snapshot
  const names = members.map(({ name, host }) => (name === host ? name : `${name} on ${host}`)).join(', ')
  const facts = [
    `snapshot ${snapshot.id}`,
    `digest   ${plan.digest}`,
    `of       ${visibleLine(snapshot.name)}, ${snapshot.time.toISOString()}, revision ${snapshot.revision}, ${snapshot.keys} keys, ${sizeText(snapshot.bytes)}`,
    `members  ${names}`,
    `token    ${plan.token}`,
    `bump     ${bumpText(plan)}`,
    ...(drill === undefined ? [] : [`drill    ${drill.level}, ${drill.passed ? 'passed' : 'FAILED'}, ${drill.time.toISOString()}`]),
  ]

  const disputed = snapshot.facts['evidence'] === 'disputed'
  const blocks = [
    `# Restore of ${visibleLine(snapshot.name)} to ${snapshot.time.toISOString()}`,
    fence('', facts),
    ...(disputed ? ['**Members disagreed about this snapshot when it was taken: take another one if you can.**'] : []),
    ...(assumed.length > 0
      ? [
          [
            'Nobody said, and so it is assumed (a cluster file with `--plan` says it otherwise):',
            ...assumed.map((what) => `- ${what}`),
          ].join('\n'),
        ]
      : []),
    'Every host does the same snapshot with the same token: change nothing in one command that you do not change in all. Make a new plan rather than use this one twice.',
    ...steps.flatMap((step, i) => [
      `## ${i + 1}. ${step.title}`,
      ...paragraphs(step.text),
      ...step.parts.flatMap((part) => partText(part, members.length > 1)),
    ]),
  ]
  return `${blocks.join('\n\n')}\n`
}

function bumpText({ bump }: RestorePlan): string {
  if (bump === undefined) return 'by what the data are: 1000000000 for those of Kubernetes, else none'
  return bump === 'none' ? 'none: revisions go on from those of the snapshot' : `${bump}: revisions go on far above those of the snapshot`
}

/** Items of a list stand without empty lines between them. */
function paragraphs(texts: readonly string[]): string[] {
  const blocks: string[] = []
  for (const text of texts) {
    if (text.startsWith('- ') && blocks.at(-1)?.startsWith('- ')) blocks.push(`${blocks.pop()}\n${text}`)
    else blocks.push(text)
  }
  return blocks
}

function partText({ hosts, commands, seen = '' }: Part, several: boolean): string[] {
  const blocks: string[] = []
  if (several && hosts.length > 0) blocks.push(`On **${hosts.join('**, **')}**:`)
  if (commands.length > 0) blocks.push(fence('sh', commands))
  if (seen !== '') blocks.push(seen)
  return blocks
}

function fence(language: string, lines: readonly string[]): string {
  return ['```' + language, ...lines, '```'].join('\n')
}
