/** `%export` of what ran in a kernel is what `riffle export` writes from a notebook file of the same cells. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { kernelMain } from './built.ts'
import { kernelOfFile } from './kernel-of-file.ts'

const kernel = await kernelOfFile()
const { client } = kernel

async function run(cellId: string | undefined, code: string, options: Record<string, unknown> = {}) {
  return await client.run(code, options, cellId === undefined ? {} : { cellId })
}

async function exported(): Promise<Record<string, string>> {
  const { iopub, reply } = await run('z', '%export')
  assert.equal(reply.content['status'], 'ok')
  return iopub.find(one => one.header.msg_type === 'display_data')?.content['data'] as Record<string, string>
}

/** `riffle export` as a shell sees it. */
async function written(cells: readonly (readonly [id: string, source: string])[]): Promise<string> {
  const path = join(kernel.folder, 'same.ipynb')
  const made = cells.map(([id, source]) => ({
    cell_type: 'code',
    id,
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  }))
  writeFileSync(path, JSON.stringify({ cells: made, metadata: {}, nbformat: 4, nbformat_minor: 5 }))
  return execFileSync(process.execPath, [join(dirname(await kernelMain()), 'cli.js'), 'export', path], {
    encoding: 'utf8',
  })
}

const ROWS = "const rows = from([{ at: 1, v: 2 }, { at: 2, v: 3 }], { time: 'at' });"
const LARGE = '%%filter rows --as large\nr => r.v > 2'
const LAST = 'console.log(JSON.stringify(await large.toArray()), `a \\`\\`\\` b`)'

test('%export is what riffle export writes of the same cells: run again, failed, hidden and its own', async () => {
  await run('a', 'const total = 1')
  await run('b', ROWS)
  await run('c', LARGE)
  assert.equal((await run('x', 'throw new Error("not part of it")')).reply.content['status'], 'error')
  await run('h', 'const hidden = 1', { silent: true })
  await run('h', 'const unstored = 1', { store_history: false })
  await run('d', LAST)
  await run('a', 'const total = 2')
  await run('z', '%export')
  const shown = await exported()
  const text = await written([
    ['a', 'const total = 2'],
    ['b', ROWS],
    ['c', LARGE],
    ['d', LAST],
    ['z', '%export'],
  ])
  assert.equal(shown['text/plain'], text)
  // By hand, so that both being wrong in the same way is seen.
  assert.match(text, /^import \{ from \} from 'riffle-kernel'\n\nconst total = 2\n\nconst rows = from/)
  assert.doesNotMatch(text, /not part|hidden|unstored|%export/)
  assert.equal(shown['text/markdown'], `\`\`\`typescript\n${text.trimEnd()}\n\`\`\``)
})

test('without cell ids, as in a terminal, each line is a step of the program', async () => {
  await run(undefined, 'let steps = 0')
  await run(undefined, 'steps += 1')
  await run(undefined, 'steps += 1')
  const { 'text/plain': text = '' } = await exported()
  assert.match(text, /let steps = 0\n\nsteps \+= 1\n\nsteps \+= 1\n/)
})

test('backticks of a cell do not end the block the program is shown in', async () => {
  await run('e', "const fence = '```'")
  const { 'text/markdown': markdown = '' } = await exported()
  assert.match(markdown, /^````typescript\n[\s\S]*'```'[\s\S]*\n````$/)
})

test('%export takes nothing', async () => {
  const { reply } = await run('w', '%export --node out')
  assert.match((reply.content['traceback'] as string[]).join('\n'), /%export has no option --node/)
})
