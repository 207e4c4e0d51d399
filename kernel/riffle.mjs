#!/usr/bin/env node
/** The command `riffle`. The program is built by the set-up; before it, this file says how to run that. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const built = new URL('../dist/kernel/cli.js', import.meta.url)
if (existsSync(fileURLToPath(built))) {
  await import(built.href)
} else {
  process.stderr.write('Cannot run riffle: it was not built yet; run npm start in its folder once\n')
  process.exitCode = 1
}
