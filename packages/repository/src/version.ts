/** Of this package; stands in manifests and OPEN entries. A test compares it with package.json. */
export const version = '0.1.0'
