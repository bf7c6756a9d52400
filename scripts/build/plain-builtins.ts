import { builtinModules } from 'node:module'
import type { Plugin } from 'esbuild'

/** Wanted by threads, and by the main thread now and then: it is loaded with the first call there. */
const seldom = new Set(['node:zlib'])

/**
 * Has the bundle take node's own modules from node directly. An import statement has every export of such a module
 * looked at, which loads what few programs need (streams of files, MIME types …): some milliseconds in every thread.
 */
export const plainBuiltins: Plugin = {
  name: 'plain builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ kind, path }) =>
      kind === 'import-statement' && builtinModules.includes(path.slice('node:'.length)) ? { path, namespace: 'builtin' } : undefined,
    )
    onLoad({ filter: /.*/, namespace: 'builtin' }, async ({ path }) => {
      const names = Object.keys(await import(path)).filter((name) => name !== 'default' && name !== 'module.exports')
      if (seldom.has(path)) return { contents: lazily(path, names) }
      // Calls that are pure go away where nobody uses their result.
      const lines = names.map((name) => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})()`)
      return { contents: [`const builtin = process.getBuiltinModule('${path}')`, 'export default builtin', ...lines].join('\n') }
    })
  },
}

/** Exports that load the module when they are first used. */
function lazily(path: string, names: readonly string[]): string {
  const lines = names.map((name) => {
    return name === 'constants'
      ? `export const constants = /* @__PURE__ */ new Proxy({}, { get: (_, name) => builtin().constants[name] })`
      : `export const ${name} = (...given) => builtin().${name}(...given)`
  })
  return [`const builtin = () => process.getBuiltinModule('${path}')`, ...lines].join('\n')
}
