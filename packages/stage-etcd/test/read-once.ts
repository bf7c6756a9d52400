import type { EtcdSettings } from '../src/source.ts'
import { reading } from './reading.ts'

// A process of its own: reads with the settings in its argument, closes, tells what would keep it alive, and must end by itself.
const into = reading()
const stream = await into.open(JSON.parse(process.argv[2]) as Partial<EtcdSettings>)
const bytes = await into.all(stream)
await stream.end()
await stream.close()
const resources = process.getActiveResourcesInfo().filter((name) => /tcp|http|tls|timeout/i.test(name))
process.stdout.write(JSON.stringify({ node: process.versions.node, bytes: bytes.length, resources }))
