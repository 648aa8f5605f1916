import { startLakefsServer } from '../../infra/local/lakefs/server.ts'
import { createDirectoryStore } from '../../lib/store/directory.ts'

// A server in a process of its own, so that a test can kill it. Arguments: folder, port.
const [folder = '', port = '0'] = process.argv.slice(2)
const server = await startLakefsServer({
  folder,
  store: createDirectoryStore({ folder: `${folder}/lake`, bucket: 'lake', now: () => new Date() }),
  port: Number(port),
  credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
})
process.stdout.write(`${server.port}\n`)
