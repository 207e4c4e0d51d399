/** `npm run build`: the kernel's bundles and the extension, and both into the private Jupyter. */
import { runMain } from './lab.ts'
import { ensureSetup } from './setup.ts'

await runMain(async () => {
  await ensureSetup({ only: ['bundle', 'extension', 'jupyter'] })
})
