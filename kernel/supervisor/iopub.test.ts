import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Iopub } from './iopub.ts'
import type { Header, Outgoing } from './message.ts'

const header = (id: string): Header => ({
  msg_id: id,
  msg_type: 'execute_request',
  session: 's',
  username: 'u',
  date: '2026-01-01T00:00:00Z',
  version: '5.5',
})

function recorded(): { iopub: Iopub; published: Outgoing[] } {
  const published: Outgoing[] = []
  return { iopub: new Iopub(message => published.push(message)), published }
}

test('text of one stream is merged, a change of stream or cell starts a new message', () => {
  const { iopub, published } = recorded()
  iopub.stream(header('1'), 'stdout', 'a\n')
  iopub.stream(header('1'), 'stdout', 'b\n')
  iopub.stream(header('1'), 'stderr', 'c\n')
  iopub.stream(header('2'), 'stderr', 'd\n')
  iopub.flush()
  assert.deepEqual(
    published.map(message => [message.parent?.msg_id, message.content]),
    [
      ['1', { name: 'stdout', text: 'a\nb\n' }],
      ['1', { name: 'stderr', text: 'c\n' }],
      ['2', { name: 'stderr', text: 'd\n' }],
    ],
  )
})

test('idle goes out behind the text that was waiting', () => {
  const { iopub, published } = recorded()
  iopub.stream(header('1'), 'stdout', 'last words')
  iopub.status(header('1'), 'idle')
  assert.deepEqual(
    published.map(message => message.type),
    ['stream', 'status'],
  )
})

test('of updates to one display the latest stays, others and lines are kept', () => {
  const { iopub, published } = recorded()
  const update = (id: string, text: string) =>
    iopub.message({
      type: 'update_display_data',
      content: { data: { 'text/plain': text }, metadata: {}, transient: { display_id: id } },
    })
  update('one', '1')
  iopub.stream(header('1'), 'stdout', 'line\n')
  update('two', '1')
  update('one', '2')
  iopub.flush()
  assert.deepEqual(
    published.map(message =>
      message.type === 'stream' ? message.content['text'] : (message.content['data'] as object),
    ),
    ['line\n', { 'text/plain': '1' }, { 'text/plain': '2' }],
  )
})

test('long text is cut into several messages, never inside a character', () => {
  const { iopub, published } = recorded()
  const text = `x${'👋'.repeat(200_000)}`
  iopub.stream(header('1'), 'stdout', text)
  iopub.flush()
  assert.equal(published.length, 2)
  assert.equal(published.map(message => message.content['text']).join(''), text)
  assert.ok(published.every(message => !/^[\udc00-\udfff]/.test(String(message.content['text']))))
})

test('much text does not wait for its time: whoever paces has to know of it', () => {
  const { iopub, published } = recorded()
  iopub.stream(header('1'), 'stdout', 'a'.repeat(20_000))
  assert.equal(published.length, 0)
  iopub.stream(header('1'), 'stdout', 'b'.repeat(20_000))
  assert.deepEqual(
    published.map(message => String(message.content['text']).length),
    [40_000],
  )
})
