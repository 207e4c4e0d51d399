/**
 * The pages of docs/magics, made of the definitions: file name → text. `write-docs.ts` writes them, a test holds them against the
 * files.
 */
import { title } from './header.ts'
import { helpPage } from './help.ts'
import { MAGICS } from './index.ts'

export function docsPages(): ReadonlyMap<string, string> {
  const pages = new Map<string, string>()
  const rows = MAGICS.map(
    magic => `| [\`${title(magic)}\`](${magic.name}.md) | ${magic.summary.replace(/[|<]/g, '\\$&')} |`,
  )
  const index = ['# Magics', '', 'Made by `magics/write-docs.ts` from the definitions in `magics/`; do not edit.', '']
  pages.set('README.md', [...index, '| Magic | What it does |', '| --- | --- |', ...rows, ''].join('\n'))
  for (const magic of MAGICS) pages.set(`${magic.name}.md`, helpPage(magic).markdown)
  return pages
}
