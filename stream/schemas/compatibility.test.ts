import assert from 'node:assert/strict'
import { test } from 'node:test'
import avsc from 'avsc'
import fc from 'fast-check'
import { incompatibilities } from './compatibility.ts'
import { MemoryRegistry } from './memory-registry.ts'
import type { CompatibilityMode, SchemaText, SchemaVersion } from '../schema-model.ts'

const runs = process.env['LONG'] === '1' ? 5000 : 400
const avro = (json: unknown): SchemaText => ({ type: 'AVRO', text: JSON.stringify(json) })
const order = (...fields: unknown[]) => avro({ type: 'record', name: 'Order', fields })
const versions = (...schemas: SchemaText[]): SchemaVersion[] =>
  schemas.map((schema, i) => ({ ...schema, subject: 'orders-value', version: i + 1, id: i + 1 }))
const reasons = (next: SchemaText, mode: CompatibilityMode, ...before: SchemaText[]) =>
  incompatibilities(next, versions(...before), mode).map(({ path, rule, version, direction }) => [
    path,
    rule,
    version,
    direction,
  ])

const id = { name: 'id', type: 'string' }
const amount = { name: 'amount', type: 'int' }
const note = { name: 'note', type: 'string' }
const noteDefault = { ...note, default: '' }

test('a field added without a default breaks backward, removed without one forward', () => {
  assert.deepEqual(reasons(order(id, note), 'BACKWARD', order(id)), [['note', 'FIELD_WITHOUT_DEFAULT', 1, 'backward']])
  assert.deepEqual(reasons(order(id, note), 'FORWARD', order(id)), [])
  assert.deepEqual(reasons(order(id), 'BACKWARD', order(id, note)), [])
  assert.deepEqual(reasons(order(id), 'FORWARD', order(id, note)), [
    ['note', 'FIELD_REMOVED_WITHOUT_DEFAULT', 1, 'forward'],
  ])
  assert.deepEqual(reasons(order(id), 'FULL', order(id, noteDefault)), [])
  assert.deepEqual(reasons(order(id, noteDefault), 'FULL', order(id)), [])
})

test('transitive modes ask every version, the others the newest', () => {
  const before = [order(id), order(id, noteDefault)]
  assert.deepEqual(reasons(order(id, note), 'BACKWARD', ...before), [])
  assert.deepEqual(reasons(order(id, note), 'BACKWARD_TRANSITIVE', ...before), [
    ['note', 'FIELD_WITHOUT_DEFAULT', 1, 'backward'],
  ])
  const left = [order(id, note), order(id, noteDefault)]
  assert.deepEqual(reasons(order(id), 'FORWARD', ...left), [])
  assert.deepEqual(reasons(order(id), 'FORWARD_TRANSITIVE', ...left), [
    ['note', 'FIELD_REMOVED_WITHOUT_DEFAULT', 1, 'forward'],
  ])
  assert.deepEqual(reasons(order(id), 'FULL_TRANSITIVE', ...left), [
    ['note', 'FIELD_REMOVED_WITHOUT_DEFAULT', 1, 'forward'],
  ])
  assert.deepEqual(reasons(order(note), 'NONE', order(id)), [])
})

test('numbers may be widened for readers and narrowed for writers', () => {
  const long = { ...amount, type: 'long' }
  assert.deepEqual(reasons(order(long), 'BACKWARD', order(amount)), [])
  assert.deepEqual(reasons(order(amount), 'FORWARD', order(long)), [])
  assert.deepEqual(reasons(order(amount), 'BACKWARD', order(long)), [['amount', 'TYPE_CHANGED', 1, 'backward']])
  assert.deepEqual(reasons(order(long), 'FULL', order(amount)), [['amount', 'TYPE_CHANGED', 1, 'forward']])
})

test('symbols, branches, names and sizes have rules of their own, with the path', () => {
  const state = (...symbols: string[]) => ({ name: 'state', type: { type: 'enum', name: 'State', symbols } })
  assert.deepEqual(reasons(order(state('a')), 'BACKWARD', order(state('a', 'b'))), [
    ['state', 'ENUM_SYMBOL_MISSING', 1, 'backward'],
  ])
  assert.deepEqual(reasons(order(state('a', 'b')), 'FORWARD', order(state('a'))), [
    ['state', 'ENUM_SYMBOL_MISSING', 1, 'forward'],
  ])
  const union = (...types: string[]) => ({ name: 'v', type: types })
  assert.deepEqual(reasons(order(union('null')), 'BACKWARD', order(union('null', 'string'))), [
    ['v', 'UNION_BRANCH_MISSING', 1, 'backward'],
  ])
  const lines = (size: number, name = 'Line') => ({
    name: 'lines',
    type: {
      type: 'array',
      items: { type: 'record', name, fields: [{ name: 'hash', type: { type: 'fixed', name: 'H', size } }] },
    },
  })
  assert.deepEqual(reasons(order(lines(4)), 'BACKWARD', order(lines(8))), [
    ['lines[].hash', 'FIXED_SIZE_CHANGED', 1, 'backward'],
  ])
  assert.deepEqual(reasons(order(lines(4, 'Row')), 'BACKWARD', order(lines(4))), [
    ['lines[]', 'NAME_CHANGED', 1, 'backward'],
  ])
})

test('each reason says what would make it pass, and following it does', () => {
  const [added] = incompatibilities(order(id, note), versions(order(id)), 'BACKWARD')
  assert.equal(added!.reason, 'it is new and has no default, so records of version 1 cannot be read')
  assert.equal(added!.fix, 'Give it a default: "default": ""')
  assert.deepEqual(reasons(order(id, noteDefault), 'BACKWARD', order(id)), [])
  const [renamed] = incompatibilities(order({ ...id, name: 'orderId' }), versions(order(id)), 'BACKWARD')
  assert.equal(renamed!.fix, 'Give it a default: "default": "", or if it is id renamed "aliases": ["id"]')
  assert.deepEqual(reasons(order({ ...id, name: 'orderId', aliases: ['id'] }), 'BACKWARD', order(id)), [])
  const [narrowed] = incompatibilities(order(amount), versions(order({ ...amount, type: 'double' })), 'BACKWARD')
  assert.equal(narrowed!.reason, 'it is int, in version 1 it is double, and double cannot be read as int')
})

test('a type that holds itself is compared once', () => {
  const tree = (...more: unknown[]) => order({ name: 'next', type: ['null', 'Order'] }, ...more)
  assert.deepEqual(reasons(tree(), 'FULL_TRANSITIVE', tree()), [])
  assert.deepEqual(reasons(tree(note), 'BACKWARD', tree()), [['note', 'FIELD_WITHOUT_DEFAULT', 1, 'backward']])
})

const field = fc.record({
  name: fc.constantFrom('a', 'b', 'c'),
  type: fc.oneof(
    fc.constantFrom('null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'),
    fc.uniqueArray(fc.constantFrom('null', 'boolean', 'int', 'double', 'string'), { minLength: 1, maxLength: 3 }),
    fc.constantFrom('int', 'string').map(items => ({ type: 'array', items })),
    fc.constantFrom('int', 'double').map(values => ({ type: 'map', values })),
  ),
})
const fields = fc.uniqueArray(field, { selector: each => each.name, maxLength: 3 })

test('what is refused backward is what the resolver of avsc cannot read', () => {
  fc.assert(
    fc.property(fields, fields, (before, next) => {
      const make = (list: unknown) => ({ type: 'record', name: 'Order', fields: list }) as avsc.Schema
      let readable = true
      try {
        avsc.Type.forSchema(make(next)).createResolver(avsc.Type.forSchema(make(before)))
      } catch {
        readable = false
      }
      assert.equal(reasons(order(...next), 'BACKWARD', order(...before)).length === 0, readable)
      assert.equal(reasons(order(...before), 'FORWARD', order(...next)).length === 0, readable)
    }),
    { numRuns: runs },
  )
})

test('the registry in this process keeps ids, versions and the mode', async () => {
  const registry = new MemoryRegistry()
  const first = await registry.register('orders-value', order(id))
  assert.deepEqual([first.id, first.version], [1, 1])
  assert.deepEqual((await registry.register('orders-value', order(id))).version, 1)
  assert.deepEqual((await registry.register('returns-value', order(id))).id, 1)
  await assert.rejects(registry.register('orders-value', order(id, note)), {
    code: 'SCHEMA_INCOMPATIBLE',
    message:
      'Cannot register a new version of "orders-value": it is not BACKWARD compatible, field note: it is new and has no default, so records of version 1 cannot be read',
    hint: 'Give it a default: "default": ""',
  })
  await registry.setMode('NONE', 'orders-value')
  assert.deepEqual((await registry.register('orders-value', order(id, note))).version, 2)
  assert.deepEqual(await registry.versions('orders-value'), [1, 2])
  assert.equal((await registry.lookup('orders-value', order(id))).version, 1)
  assert.deepEqual(await registry.subjects(), ['orders-value', 'returns-value'])
  await assert.rejects(registry.version('order-value', 'latest'), { message: /the registry has orders-value/ })
  await assert.rejects(registry.version('orders-value', 9), { message: /it has 1, 2/ })
  await assert.rejects(registry.schema(9), { code: 'SCHEMA_UNKNOWN' })
  assert.deepEqual(await registry.delete('orders-value'), [1, 2])
  assert.equal(JSON.parse((await registry.schema(2)).text).fields.length, 2)
})
