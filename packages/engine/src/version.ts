/** Of this package: stage packages say with which versions they work. A test compares it with package.json. */
export const engineVersion = '0.1.0'
