/** `npm run mutate [-- WORD...]`: all planted faults, or those whose name or file holds a word. */
import { runMain } from '../../kernel/setup/lab.ts'
import { mutate } from './mutate.ts'

await runMain(async () => {
  const { failed } = await mutate(process.argv.slice(2))
  if (failed > 0) process.exitCode = 1
})
