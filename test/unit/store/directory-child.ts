/** A writer of its own process: `directory-child.ts FOLDER put|race`. Prints what the store has acknowledged, one key a line. */
import { createDirectoryStore } from '../../../lib/store/directory.ts'

const [folder, task] = process.argv.slice(2)
const store = createDirectoryStore({ folder: folder!, bucket: 'lake', now: () => new Date() })

if (task === 'put') {
  for (let i = 0; ; i++) {
    await store.put(`v/${i % 20}.csv`, Buffer.alloc(200_000, String(i)))
    process.stdout.write(`${i}\n`)
  }
}
for (let i = 0; i < 50; i++) {
  const key = `race/${i}.csv`
  const won = await store.put(key, Buffer.from(`${process.pid}`), { ifAbsent: true }).then(
    () => true,
    error => {
      if (error.name !== 'PreconditionError') throw error
      return false
    },
  )
  if (won) process.stdout.write(`${key}\n`)
}
