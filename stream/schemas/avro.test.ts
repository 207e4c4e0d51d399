import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import avsc from 'avsc'
import fc from 'fast-check'
import { AvroFault } from './avro-input.ts'
import { avroDecoder } from './avro-decode.ts'
import { avroEncoder, AvroMisfit } from './avro-encode.ts'
import { parseAvro } from './avro-schema.ts'
import { avroColumns } from './avro-types.ts'
import { rowType } from './infer.ts'

const runs = process.env['LONG'] === '1' ? 3000 : 200

const decode = (schema: unknown, bytes: Uint8Array, reader: unknown = schema) => {
  const writer = parseAvro(JSON.stringify(schema))
  return avroDecoder(writer, reader === schema ? writer : parseAvro(JSON.stringify(reader)))(
    Buffer.from(bytes),
    0,
    bytes.length,
  )
}
const encode = (schema: unknown, value: unknown) => avroEncoder(parseAvro(JSON.stringify(schema)))(value)
const record = (...fields: unknown[]) => ({ type: 'record', name: 'Order', namespace: 'shop', fields })

test('a record is a plain object with its fields in order', () => {
  const schema = record({ name: 'id', type: 'string' }, { name: 'amount', type: 'double' }, { name: 'n', type: 'int' })
  // "ab" = length 2 zig-zag 4; 1.5 little-endian; 3 zig-zag 6
  const bytes = new Uint8Array([4, 97, 98, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 6])
  assert.deepEqual(decode(schema, bytes), { id: 'ab', amount: 1.5, n: 3 })
  assert.deepEqual(encode(schema, { id: 'ab', amount: 1.5, n: 3 }), bytes)
})

test('a long is a number where that is exact and a bigint beyond', () => {
  const both: readonly (number | bigint)[] = [
    0, -1, 63, 64, 2 ** 31, -(2 ** 31) - 1, 9007199254740991, -9007199254740991, 9007199254740992n, -9007199254740993n,
    9223372036854775807n, -9223372036854775808n,
  ] // prettier-ignore
  for (const value of both) assert.equal(decode('long', encode('long', value)), value)
  assert.deepEqual(encode('long', 64), new Uint8Array([0x80, 1]))
  assert.throws(() => encode('long', 9223372036854775808n), /is 9223372036854775808n, long is needed/)
  assert.throws(() => decode('int', encode('long', 2 ** 31)), AvroFault)
})

test('logical types are what a notebook computes with', () => {
  const micros = { type: 'long', logicalType: 'timestamp-micros' }
  const decimal = (precision: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale: 2 })
  assert.equal(decode({ type: 'long', logicalType: 'timestamp-millis' }, encode('long', 1767258000000)), 1767258000000)
  assert.equal(decode(micros, encode('long', 1767258000000250)), 1767258000000.25)
  assert.deepEqual(encode(micros, 1767258000000.25), encode('long', 1767258000000250))
  assert.deepEqual(encode(micros, new Date(5)), encode('long', 5000))
  assert.deepEqual(decode({ type: 'int', logicalType: 'date' }, encode('int', 1)), new Date('1970-01-02T00:00:00Z'))
  assert.equal(decode(decimal(10), new Uint8Array([4, 0x04, 0xd2])), 12.34)
  assert.equal(decode(decimal(30), new Uint8Array([4, 0xfb, 0x2e])), '-12.34')
  assert.deepEqual(encode(decimal(30), '-12.34'), new Uint8Array([4, 0xfb, 0x2e]))
  assert.throws(() => encode(decimal(3), 12.34), /is 12.34 \(number\), decimal is needed/)
  const uuid = '123e4567-e89b-12d3-a456-426614174000'
  const fixedUuid = { type: 'fixed', name: 'U', size: 16, logicalType: 'uuid' }
  assert.equal(decode(fixedUuid, encode(fixedUuid, uuid)), uuid)
  assert.throws(() => encode({ type: 'string', logicalType: 'uuid' }, 'x'), AvroMisfit)
  const duration = { type: 'fixed', name: 'D', size: 12, logicalType: 'duration' }
  assert.deepEqual(decode(duration, encode(duration, { months: 1, days: 2, millis: 3 })), {
    months: 1,
    days: 2,
    millis: 3,
  })
})

test('branches of a union stand for themselves unless they look alike', () => {
  assert.equal(decode(['null', 'string'], encode(['null', 'string'], 'x')), 'x')
  assert.equal(decode(['null', 'string'], encode(['null', 'string'], undefined)), null)
  const numbers = ['null', 'int', 'double']
  assert.deepEqual(decode(numbers, encode(numbers, { double: 1 })), { double: 1 })
  assert.deepEqual(decode(numbers, encode(numbers, 1.5)), { double: 1.5 })
  assert.throws(() => encode(numbers, 'x'), /is "x" \(string\), one of null, int, double is needed/)
})

test('a row is told by its path when it does not fit', () => {
  const schema = record({
    name: 'lines',
    type: {
      type: 'array',
      items: record({ name: 'n', type: 'int' }).fields.length
        ? { type: 'record', name: 'Line', fields: [{ name: 'n', type: 'int' }] }
        : 'int',
    },
  })
  assert.throws(
    () => encode(schema, { lines: [{ n: 1 }, { n: 1.5 }] }),
    /^AvroMisfit: field lines\[1\].n is 1.5 \(number\), int is needed$/,
  )
  assert.throws(() => encode(schema, {}), /field lines is missing, array is needed/)
})

test('one version reads what another wrote', () => {
  const v1 = record(
    { name: 'id', type: 'string' },
    { name: 'amount', type: 'int' },
    { name: 'gone', type: { type: 'array', items: 'string' } },
  )
  const v2 = record(
    { name: 'orderId', aliases: ['id'], type: 'string' },
    { name: 'amount', type: 'double' },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: ['new'] },
  )
  const bytes = encode(v1, { id: 'a', amount: 2, gone: ['x', 'y'] })
  const row = decode(v1, bytes, v2) as { tags: string[] }
  assert.deepEqual(row, { orderId: 'a', amount: 2, note: null, tags: ['new'] })
  row.tags.push('mine')
  assert.deepEqual((decode(v1, bytes, v2) as { tags: string[] }).tags, ['new'])
  assert.throws(
    () => decode(v2, encode(v2, { orderId: 'a', amount: 1 }), v1),
    /field amount: double cannot be read as int|field id: was not written and has no default/,
  )
})

test('a symbol the reader lacks is its default, or refused', () => {
  const written = { type: 'enum', name: 'E', symbols: ['a', 'b'] }
  const bytes = encode(written, 'b')
  assert.equal(decode(written, bytes, { type: 'enum', name: 'E', symbols: ['a', 'c'], default: 'c' }), 'c')
  assert.throws(() => decode(written, bytes, { type: 'enum', name: 'E', symbols: ['a'] }), /"b" is no symbol of enum E/)
})

test('types are those of the values', () => {
  const columns = avroColumns(
    parseAvro(
      JSON.stringify(
        record(
          { name: 'id', type: 'string', doc: 'Unique.' },
          { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
          { name: 'n', type: 'long' },
          { name: 'state', type: { type: 'enum', name: 'State', symbols: ['new', 'paid'] } },
          { name: 'note', type: ['null', 'string'] },
          { name: 'either', type: ['null', 'int', 'double'] },
          {
            name: 'lines',
            type: {
              type: 'array',
              items: { type: 'record', name: 'Line', fields: [{ name: 'n', type: ['int', 'null'] }] },
            },
          },
          { name: 'next', type: ['null', 'Order'] },
        ),
      ),
    ),
  )
  assert.equal(
    rowType(columns),
    '{ id: string; at: number; n: number | bigint; state: "new" | "paid"; note: string | null; ' +
      'either: { int: number } | { double: number } | null; lines: { n: number | null }[]; next: unknown | null }',
  )
  assert.equal(columns[0]!.doc, 'Unique.')
  assert.equal(columns[1]!.instant, true)
})

test('a mistake in a schema is told with its path', () => {
  const fails = (schema: unknown, message: RegExp) =>
    assert.throws(() => parseAvro(typeof schema === 'string' ? schema : JSON.stringify(schema)), {
      code: 'SCHEMA_INVALID',
      message,
    })
  fails('{', /it is no JSON/)
  fails(record({ name: 'a-b', type: 'int' }), /"a-b" is no name of a field/)
  fails(record({ name: 'a', type: 'nope' }), /at a: type "nope" is not known/)
  fails(record({ name: 'a', type: ['int', 'int'] }), /at a: the union names "int" twice/)
  fails(record({ name: 'a', type: 'int' }, { name: 'a', type: 'int' }), /field "a" stands twice/)
  fails({ type: 'enum', name: 'E', symbols: ['a'], default: 'b' }, /default "b" of enum "E" is none of its symbols/)
})

/** Schemas without names that clash; `wide` types only, so that avsc and this code agree on what a value is. */
const schemas = fc.letrec(tie => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom('null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'),
    fc.record({ type: fc.constant('array'), items: tie('node') }),
    fc.record({ type: fc.constant('map'), values: tie('node') }),
    fc.uniqueArray(fc.constantFrom('null', 'boolean', 'int', 'string', 'bytes'), { minLength: 1, maxLength: 4 }),
    fc.uniqueArray(fc.constantFrom('null', 'int', 'long', 'double'), { minLength: 2, maxLength: 4 }),
    fc.record({ type: fc.constant('record'), name: fc.constant('?'), fields: fc.array(tie('node'), { maxLength: 4 }) }),
    fc.record({ type: fc.constant('enum'), name: fc.constant('?'), symbols: fc.constant(['a', 'b', 'c']) }),
    fc.record({ type: fc.constant('fixed'), name: fc.constant('?'), size: fc.integer({ min: 0, max: 5 }) }),
  ),
})).node

function named(node: unknown, next = { n: 0 }): unknown {
  if (Array.isArray(node)) return node
  if (typeof node !== 'object' || node === null) return node
  const given = node as Record<string, unknown>
  const name = 'name' in given ? { name: `T${next.n++}` } : {}
  if (given['type'] === 'record')
    return {
      ...given,
      ...name,
      fields: (given['fields'] as unknown[]).map((type, i) => ({ name: `f${i}`, type: named(type, next) })),
    }
  if ('items' in given) return { ...given, items: named(given['items'], next) }
  if ('values' in given) return { ...given, values: named(given['values'], next) }
  return { ...given, ...name }
}

test('avsc and this decoder agree on every value of random schemas', () => {
  fc.assert(
    fc.property(schemas, schema => {
      const json = named(schema)
      const other = avsc.Type.forSchema(json as avsc.Schema, { wrapUnions: 'auto' })
      const bytes = other.toBuffer(other.random())
      assert.deepEqual(Buffer.from(encode(json, decode(json, bytes))), bytes)
    }),
    { numRuns: runs },
  )
})

test('any bytes give a value or a fault, at once', () => {
  fc.assert(
    fc.property(schemas, fc.uint8Array({ maxLength: 60 }), (schema, bytes) => {
      try {
        decode(named(schema), bytes)
      } catch (error) {
        assert.ok(error instanceof AvroFault, String(error))
      }
    }),
    { numRuns: runs * 3 },
  )
})

test('a list that claims more than there is, and one that nests without end, are refused', () => {
  const endless = { type: 'record', name: 'A', fields: [{ name: 'next', type: 'A' }] }
  const nulls = { type: 'array', items: 'null' }
  const many = encode('long', 2 ** 40)
  assert.throws(() => decode(nulls, many), /more than 65536 items of no bytes/)
  assert.throws(
    () => decode({ type: 'array', items: 'int' }, many),
    /a list of 1099511627776 items does not fit the 0 bytes left/,
  )
  assert.throws(() => decode(endless, new Uint8Array()), /nest deeper than 200/)
  assert.throws(() => decode('string', encode('long', 2 ** 40)), /ends too early/)
  assert.throws(() => decode('int', new Uint8Array([2, 2])), /1 bytes are left over/)
})
