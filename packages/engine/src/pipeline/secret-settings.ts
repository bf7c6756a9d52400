import type { SettingsSchema } from '../contracts/index.ts'

/** For schemas that do not say. */
const secretNames = /^(password|passphrase|token|secret|accessKey|secretKey)$/i

/** Whether a setting of a stage is a secret: it is `writeOnly` in the schema, or its name says so. */
export function isSecretSetting(schema: SettingsSchema, name: string): boolean {
  const property = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
  return property?.writeOnly === true || secretNames.test(name)
}
