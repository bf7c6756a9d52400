import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'

/**
 * Names what a package exports wherever it is imported lazily: of a package in CommonJS, esbuild hands on nothing but
 * the default then.
 */
export const lazyPackages: Plugin = {
  name: 'lazy packages',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: /^[@a-z]/ }, async ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import' || /^(node:|@kpipe\/)/.test(path)) return undefined
      const found = await resolve(path, { resolveDir, kind: 'import-statement' })
      return found.external || found.errors.length > 0 ? found : { path: found.path, namespace: 'lazy' }
    })
    onLoad({ filter: /.*/, namespace: 'lazy' }, async ({ path }) => {
      const exported = Object.keys(await import(pathToFileURL(path).href))
      const names = exported.filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== '__esModule')
      return { contents: `export { ${names.join(', ')} } from ${JSON.stringify(path)}`, resolveDir: dirname(path) }
    })
  },
}
