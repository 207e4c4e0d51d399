/** Wherever a cell throws, the error names the line and column as typed, whatever TypeScript stands around it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compile } from '../../kernel/cells/compile.ts'
import { drive } from '../../kernel/cells/driver.ts'
import { installStackTraces } from '../../kernel/cells/errors.ts'
import { createMachine } from '../../kernel/cells/machine.ts'
import { createRun } from '../../kernel/cells/run.ts'
import { createScope } from '../../kernel/cells/scope.ts'
import { settings } from '../properties/settings.ts'

const machine = createMachine()
installStackTraces(machine.origins)

async function firstFrame(source: string): Promise<string> {
  const cell = compile(machine, {
    label: 'cell.ts',
    source,
    typed: source,
    scope: createScope(),
    folder: '/',
    meta: {},
    importer: () => Promise.reject(new Error('no imports')),
  })
  const run = createRun({ requestId: 'r', cellId: 'c', allowStdin: false, silent: false })
  try {
    await drive(machine, cell.start(), run)
  } catch (error) {
    return /\(?cell\.ts:(\d+:\d+)\)?/.exec((error as Error).stack ?? '')?.[1] ?? String((error as Error).stack)
  }
  return 'nothing thrown'
}

const around = [
  'const a#: number = 1',
  'let { b#, ...c# } = { b#: 2 } as Record<string, unknown>',
  'interface I# { x: number }',
  'type T# = { [K in keyof I]: string }',
  'function f#<T>(this: void, x?: T): T | undefined { return x }',
  'class C#<T> implements Iterable<T> { private readonly q!: T; *[Symbol.iterator]() { yield this.q } }',
  'for (const i of [1, 2] as const) { void i }',
  'await Promise.resolve(1 as number)',
  'for await (const v of [1]) void v',
  '/* 😀 */ const s# = `é${1 + 1}\n two lines`',
  'var v# = () => 1, w# = function () {}',
  'enum E# { A = 1 }',
]
const throwing = [
  '@throw new Error("here")',
  'if (true as boolean) { @throw new Error("here") }',
  'const bad = ((x: number) => { @throw new Error("here") })(1 as any)',
  'for (;;) @throw new Error("here")',
  'await (async () => { @throw new Error("here") })()',
  'for await (const z of [1]) { @throw new Error("here") }',
  'class Bad { static x: number = (() => { @throw new Error("here") })() }',
  'const later = 1 as number; @missingFunction(later)',
]

test('the place of an error is the typed one', async () => {
  const cell = fc.record({
    before: fc.array(fc.constantFrom(...around), { maxLength: 6 }),
    thrower: fc.constantFrom(...throwing),
    after: fc.array(fc.constantFrom(...around), { maxLength: 2 }),
    separator: fc.constantFrom('\n', '; ', '\n\n  '),
  })
  await fc.assert(
    fc.asyncProperty(cell, async ({ before, thrower, after, separator }) => {
      const numbered = [...before, thrower, ...after].map((text, index) => text.replaceAll('#', String(index)))
      const marked = numbered.join(separator)
      const at = marked.indexOf('@')
      const source = marked.replace('@', '')
      const lines = source.slice(0, at).split('\n')
      // V8 places a throw at its `new`, a call at its name.
      const shift = source.startsWith('throw ', at) ? 'throw '.length : 0
      const expected = `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1 + shift}`
      // With an enum esbuild prints the cell anew: the line is kept, the column may be that of the statement.
      const actual = await firstFrame(source)
      if (source.includes('enum ')) assert.equal(actual.split(':')[0], expected.split(':')[0], source)
      else assert.equal(actual, expected, source)
    }),
    settings(300),
  )
})
