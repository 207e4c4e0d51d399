/** Stop, pressed on a real cells process while it is at the marked place. The budget is half a second each. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { Cells } from './child.ts'

const BUDGET_MS = 500

let cells: Cells
before(async () => {
  cells = await Cells.start()
  await cells.run('var kept = 5')
})
after(() => cells.stop())

const places: readonly (readonly [name: string, source: string])[] = [
  ['a synchronous loop', 'console.log("go")\nwhile (true) {}'],
  ['a loop without a block', 'console.log("go")\nfor (;;);'],
  ['a pending await', 'console.log("go")\nawait new Promise(() => {})'],
  ['a loop after an await', 'await 1\nconsole.log("go")\nfor (;;) {}'],
  ['a loop of awaits', 'console.log("go")\nwhile (true) await null'],
  ['a loop in an async function', 'async function f() { await 1; console.log("go"); for (;;) {} }\nawait f()'],
  ['a loop in a timer', 'setTimeout(() => { console.log("go"); for (;;) {} }, 1)\nawait new Promise(() => {})'],
  ['a catastrophic regular expression', 'console.log("go");\n/^(a+)+$/.test("a".repeat(40) + "b")'],
  [
    'code without guards',
    'const s = new (require("node:vm").Script)("for (;;) {}")\nconsole.log("go")\ns.runInThisContext()',
  ],
  ['a waiting prompt', 'console.log("go")\nawait prompt("name")'],
  [
    'a for await',
    'async function* never() { console.log("go"); await new Promise(() => {}) }\nfor await (const x of never()) {}',
  ],
]
if (process.platform === 'linux') {
  ;(places as [string, string][]).push([
    'a child process',
    'console.log("go")\nrequire("node:child_process").execSync("sleep 60")',
  ])
}

for (const [name, source] of places) {
  test(`Stop ends ${name}`, async () => {
    const { outcome, tookMs } = await cells.interruptAfter(cells.begin(source), 'go')
    assert.equal(outcome.error.ename, 'Interrupted')
    assert.ok(tookMs < BUDGET_MS, `took ${tookMs} ms`)
    assert.equal((await cells.run('kept')).result, '5')
  })
}

test('finally and catch of the user run', async () => {
  const source =
    'try {\n  console.log("go")\n  for (;;) {}\n} finally {\n  for (let i = 0; i < 3; i++) console.log("clean", i)\n}'
  const { outcome } = await cells.interruptAfter(cells.begin(source), 'go')
  assert.equal(outcome.stdout, 'go\nclean 0\nclean 1\nclean 2\n')
  assert.match(outcome.error.traceback, /:3:/)
})

test('the signal of the cell is aborted', async () => {
  const source =
    'notebook.signal.addEventListener("abort", () => console.log("aborted"))\nconsole.log("go")\nawait new Promise(() => {})'
  const id = cells.begin(source)
  await cells.interruptAfter(id, 'go')
  assert.equal(cells.printed(id), 'go\naborted\n')
})

test('a Stop while idle, or for a cell that has ended, leaves the next cell alone', async () => {
  const { requestId } = await cells.run('1')
  cells.interrupt(requestId)
  cells.interrupt('idle')
  const next = cells.begin(
    'console.log("go"); let n = 0; for (let i = 0; i < 1e6; i++) n++; await new Promise(done => setTimeout(done, 50)); n',
  )
  await cells.until('the next cell', () => cells.printed(next).includes('go'))
  cells.interrupt(requestId)
  assert.equal((await cells.outcome(next)).result, '1000000')
})

test('a loop that a stopped cell left in the background ends too', async () => {
  const source =
    'var turns = 0\nasync function spin() { for (;;) { turns++; await new Promise(done => setTimeout(done, 1)) } }\nvoid spin()\nconsole.log("go")\nawait new Promise(() => {})'
  await cells.interruptAfter(cells.begin(source), 'go')
  const { result } = await cells.run(
    'await new Promise(done => setTimeout(done, 20)); const a = turns; await new Promise(done => setTimeout(done, 50)); turns - a',
  )
  assert.equal(result, '0')
})

test('a late loop in a timer is ended while no cell runs', async () => {
  const id = cells.begin('setTimeout(() => { console.log("late"); for (;;) {} }, 5); 0')
  await cells.outcome(id)
  await cells.until('the late loop', () => cells.printed(id).includes('late'))
  cells.interrupt(id)
  assert.equal((await cells.run('kept')).result, '5')
})

test('a Stop is over with its cell: the next one is never hit, with both cores busy', async () => {
  const busy = [0, 1].map(() => spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' }))
  try {
    for (let round = 0; round < 12; round++) {
      // Code without guards ends by SIGINT, the loop by its guard: both leave nothing behind.
      const loop =
        round % 2 === 0 ? 'while (true) {}' : 'new (require("node:vm").Script)("for (;;) {}").runInThisContext()'
      await cells.interruptAfter(cells.begin(`console.log("go")\n${loop}`), 'go')
      const next = await cells.run(
        'await new Promise(done => setTimeout(done, 60)); let n = 0; for (let i = 0; i < 1e5; i++) n++; n',
      )
      assert.equal(next.result, '100000', `round ${round}: ${next.error.ename}`)
    }
  } finally {
    for (const each of busy) each.kill('SIGKILL')
  }
})
