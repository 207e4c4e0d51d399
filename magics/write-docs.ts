/** Writes docs/magics: `node --import tsx magics/write-docs.ts`. Pages of magics that are gone are removed. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { docsPages } from './pages.ts'

const folder = fileURLToPath(new URL('../docs/magics/', import.meta.url))
const pages = docsPages()
mkdirSync(folder, { recursive: true })
for (const name of readdirSync(folder)) if (name.endsWith('.md') && !pages.has(name)) rmSync(folder + name)
for (const [name, text] of pages) writeFileSync(folder + name, text)
console.log(`docs/magics: ${pages.size} pages`)
