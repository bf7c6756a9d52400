import type { Plugin } from 'esbuild'

/**
 * Puts stages into the command line's own file: to find and load a module of its own takes three milliseconds each. Threads import them
 * from their files all the same, by the same names.
 * @param stages paths of their sources, by name of their file without `.js`
 */
export function heldStages(stages: readonly (readonly [name: string, path: string])[]): Plugin {
  return {
    name: 'held stages',
    setup({ onLoad }) {
      onLoad({ filter: /\/engine\/src\/stages\/import-module\.ts$/ }, () => ({
        contents: [
          `const held = { ${stages.map(([name, path]) => `'${name}': () => import(${JSON.stringify(path)})`).join(', ')} }`,
          "const beside = import.meta.url.slice(0, import.meta.url.lastIndexOf('/') + 1)",
          'export function importModule(url) {',
          "  const name = url.startsWith(beside) ? url.slice(beside.length).replace(/\\.js$/, '') : ''",
          '  return Object.hasOwn(held, name) ? held[name]() : importOutside(url)',
          '}',
        ].join('\n'),
      }))
    },
  }
}
