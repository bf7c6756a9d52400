import { builtinModules } from 'node:module'
import type { Plugin } from 'esbuild'

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
      // Calls that are pure go away where nobody uses their result.
      const lines = names.map((name) => `export const ${name} = /* @__PURE__ */ (() => builtin.${name})()`)
      return { contents: [`const builtin = process.getBuiltinModule('${path}')`, 'export default builtin', ...lines].join('\n') }
    })
  },
}
