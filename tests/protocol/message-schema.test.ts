import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wrongWith } from './message-schema.ts'

const header = {
  msg_id: 'a',
  msg_type: 'stream',
  username: 'u',
  session: 's',
  date: '2026-01-01T00:00:00.000Z',
  version: '5.5',
}
const message = (type: string, content: object, other: object = {}) => ({
  header: { ...header, msg_type: type, ...other },
  metadata: {},
  content,
})

test('a message as specified is fine', () => {
  assert.equal(wrongWith(message('stream', { name: 'stdout', text: 'a' })), undefined)
  assert.equal(
    wrongWith(message('execute_reply', { status: 'error', ename: 'E', evalue: '', traceback: [] })),
    undefined,
  )
})

const faults: readonly (readonly [what: string, message: ReturnType<typeof message>, told: RegExp])[] = [
  ['a third stream', message('stream', { name: 'stdlog', text: 'a' }), /must be equal to one of the allowed values/],
  ['transient null', message('display_data', { data: {}, metadata: {}, transient: null }), /transient must be object/],
  ['a MIME type with parameters', message('display_data', { data: { 'text/html; x': '' }, metadata: {}, transient: {} }), /pattern/],
  ['a reply without traceback', message('execute_reply', { status: 'error', ename: 'E', evalue: '' }), /traceback/],
  ['a date without zone', message('stream', { name: 'stdout', text: 'a' }, { date: '2026-01-01T00:00:00' }), /header: .*date/],
  ['a type nobody specified', message('riffle_status', {}), /no message of type riffle_status/],
] // prettier-ignore

for (const [what, wrong, told] of faults) {
  test(`${what} is told`, () => assert.match(wrongWith(wrong) ?? '', told))
}
