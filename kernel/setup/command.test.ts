import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCommand } from './command.ts'

const node = (script: string, limitMs = 60_000, group = false) =>
  runCommand(process.execPath, ['-e', script], { limitMs, group })

test('a command gives its status and what it printed', async () => {
  const done = await node('console.log("out"); console.error("err"); process.exitCode = 3')
  assert.equal(done.status, 3)
  assert.equal(done.stdout, 'out\n')
  assert.match(done.output, /err/)
})

test('a program that does not exist is 127, one that overruns its limit 124', async () => {
  assert.equal((await runCommand('no-such-program-here', [])).status, 127)
  assert.equal((await node('setInterval(() => {}, 1000)', 300)).status, 124)
})

test('with group, what the program started ends with it and holds up nobody', async () => {
  // The grandchild keeps the pipes: without an end of the group the call would wait for it.
  const done = await node(
    'require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" }).unref()',
    60_000,
    true,
  )
  assert.equal(done.status, 0)
})
