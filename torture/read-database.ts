// Reads a database in one of kpipe's ways, in a process of its own with the young generation that kpipe gives itself, and prints the peak of its memory in MiB.
import { filePages, hashKv, openBolt, statusOf, walk, writeBolt, type Pages } from '@kpipe/bolt'

const ways: Readonly<Record<string, (pages: Pages) => Promise<unknown>>> = {
  async walk(pages) {
    for await (const { key } of walk(await openBolt(pages))) if (key.length === 0) throw new Error('a key is empty')
  },
  status: (pages) => statusOf(pages),
  HashKV: async (pages) => hashKv(await openBolt(pages)),
  write: async (pages) => writeBolt(walk(await openBolt(pages)), pages.pageBytes, async () => {}),
}

const [way = '', file = ''] = process.argv.slice(2)
const pages = await filePages(file)
await ways[way]!(pages)
await pages.close()
console.log(process.resourceUsage().maxRSS / 1024)
