/** Source of a module that holds a stage; `extra` is added to the object. */
export function stageModule(kind: string, extra = ''): string {
  return `export default ${stageObject(kind, extra)}\n`
}

export function stageObject(kind: string, extra = ''): string {
  const methods = ['open', 'plan', 'anchor', 'cut', 'look', 'collect'].map((name) => `${name}() {}`)
  return `{ kind: '${kind}', summary: 'for tests', seals: false, ${methods.join(', ')},
    settings: { type: 'object', additionalProperties: false, properties: {} }, ${extra} }`
}

/** Settings with one of everything. */
export const richSettings = `settings: {
  type: 'object',
  properties: {
    path: { type: 'string', format: 'path', minLength: 1, description: '' },
    level: { type: 'integer', minimum: 1, maximum: 19, default: 3, description: '' },
    algorithm: { type: 'string', enum: ['auto', 'page'], default: 'auto', description: '' },
    endpoints: { type: 'array', items: { type: 'string' }, minItems: 1, description: '' },
    password: { type: 'string', description: '' },
  },
  required: ['path'],
  additionalProperties: false,
}`
