/** The kernel that Jupyter starts is JavaScript: the set-up's bundles, built anew when a source is newer. */
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
let main: Promise<string> | undefined

export async function kernelMain(): Promise<string> {
  main ??= build()
  return await main
}

async function build(): Promise<string> {
  const named = process.env['RIFFLE_KERNEL_MAIN']
  if (named !== undefined) return named
  const { ensureSetup } = await import('../../kernel/setup/setup.ts')
  await ensureSetup({ only: ['bundle'] })
  return join(root, 'dist/kernel/main.js')
}
