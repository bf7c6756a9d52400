import { reading } from './reading.ts'

// A process of its own: reads the endpoint in its argument, closes, tells what would keep it alive, and must end by itself.
const into = reading()
const stream = await into.open({ endpoints: [process.argv[2]] })
const bytes = await into.all(stream)
await stream.end()
await stream.close()
const resources = process.getActiveResourcesInfo().filter((name) => /tcp|http|timeout/i.test(name))
process.stdout.write(JSON.stringify({ bytes: bytes.length, resources }))
