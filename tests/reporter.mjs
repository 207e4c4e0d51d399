/**
 * Reporter of node:test for the lane runner: prints failures where they happen, stays silent about the rest, and leaves the
 * counts as JSON in the file named by RIFFLE_TEST_COUNTS. Plain JavaScript, since node loads it before any loader is asked.
 */
import { writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { inspect } from 'node:util'

export default async function* report(source) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const slow = []
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { data } = event
      const group = data.details?.type === 'suite'
      const failed = event.type === 'test:fail'
      // A group fails with its tests; only a failure of its own (a hook, a load error) says something new.
      const ownFailure = failed && group && data.details.error?.failureType !== 'subtestsFailed'
      if (!group && (data.skip !== undefined || data.todo !== undefined)) {
        counts.skipped++
        yield `not run: ${data.name} (${where(data)}): a test that does not run counts as failed\n`
      } else if (failed && (!group || ownFailure) && data.details.error?.failureType !== 'subtestsFailed') {
        counts.failed++
        yield `\nFAILED ${data.name} (${where(data)})\n${reason(data.details.error)}\n\n`
      } else if (!failed && !group && isWholeFile(data)) {
        counts.failed++
        yield `\nFAILED ${where(data)}: the file holds no test\n\n`
      } else if (!failed && !group) {
        counts.passed++
        if (data.details?.duration_ms > 5000)
          slow.push(`${(data.details.duration_ms / 1000).toFixed(1)} s ${data.name}`)
      }
    } else if (event.type === 'test:stderr' || event.type === 'test:stdout') {
      // A reporter that swallows what a test file printed hides the reason of a crash.
      if (event.type === 'test:stderr' && !/ExperimentalWarning|--trace-warnings/.test(event.data.message))
        yield event.data.message
    }
  }
  for (const line of slow) yield `slow: ${line}\n`
  const file = process.env.RIFFLE_TEST_COUNTS
  if (file !== undefined) writeFileSync(file, JSON.stringify(counts))
}

/** node reports a file in which no test was declared as one passing test named after it. */
function isWholeFile(data) {
  return data.file !== undefined && resolve(data.name) === data.file
}

function where(data) {
  return data.file === undefined ? 'no file' : `${relative(process.cwd(), data.file)}:${data.line ?? 0}`
}

function reason(error) {
  const cause = error?.cause ?? error
  return (cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause)).split('\n').slice(0, 40).join('\n')
}
