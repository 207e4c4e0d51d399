import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSync } from 'oxc-parser'
import { packEnvelopes } from '../connectors/connector.ts'
import { decodeBatch, detectFormat } from './decode.ts'
import { encodeHeaders, encodeKey, encodeValue } from './encode.ts'
import { inferColumns, rowType } from './infer.ts'
import type { EnvelopeBatch } from '../model.ts'

const runs = process.env['LONG'] === '1' ? 5000 : 500

function batchOf(
  values: readonly (string | Uint8Array | null)[],
  keys: readonly (string | Uint8Array | null)[] = [],
): EnvelopeBatch {
  const bytes = (part: string | Uint8Array | null | undefined) =>
    part === null || part === undefined ? null : typeof part === 'string' ? new TextEncoder().encode(part) : part
  return packEnvelopes(
    values.map((value, i) => ({
      partition: 0,
      offset: BigInt(i),
      timestampMs: i,
      key: bytes(keys[i]),
      value: bytes(value),
    })),
  )
}

const garbage = new Uint8Array([0xff, 0xfe, 0x00, 0x80])

test('an object is a row, anything else sits in value', () => {
  const { rows, failures } = decodeBatch(batchOf(['{"a":1}', '42', '"x"', '[1,2]', 'null', 'true']))
  assert.deepEqual(rows, [{ a: 1 }, { value: 42 }, { value: 'x' }, { value: [1, 2] }, { value: null }, { value: true }])
  assert.deepEqual(failures, [])
})

test('what is no JSON is refused with its position and the rest is read', () => {
  const { rows, failures } = decodeBatch(batchOf(['{"a":1}', 'plain text', null, '', garbage, '{"b":2}']))
  assert.deepEqual(rows, [{ a: 1 }, undefined, undefined, undefined, undefined, { b: 2 }])
  assert.deepEqual(
    failures.map(({ index, offset, preview }) => [index, offset, preview]),
    [
      [1, 1n, 'plain text'],
      [2, 2n, null],
      [3, 3n, ''],
      [4, 4n, 'fffe0080'],
    ],
  )
  assert.match(failures[0]!.reason, /^value is no JSON \(unexpected token .*\): --format text reads it$/)
  assert.equal(failures[1]!.reason, 'null value (tombstone)')
  assert.equal(failures[2]!.reason, 'value is empty, which is no JSON: --format text reads it')
  assert.equal(failures[3]!.reason, 'value of 4 bytes is not UTF-8 text: --format bytes reads it')
})

test('text and bytes take what JSON does not', () => {
  assert.deepEqual(decodeBatch(batchOf(['plain', '', 'grün']), { format: 'text' }).rows, [
    { value: 'plain' },
    { value: '' },
    { value: 'grün' },
  ])
  const { rows, failures } = decodeBatch(batchOf([garbage, 'a']), { format: 'bytes' })
  assert.deepEqual(rows, [{ value: garbage }, { value: new Uint8Array([97]) }])
  assert.deepEqual(failures, [])
})

test('a key is text, JSON when asked for, bytes when it is no text', () => {
  const batch = batchOf(['1', '1', '1', '1'], ['42', 'ü', garbage, null])
  assert.deepEqual(decodeBatch(batch).keys, ['42', 'ü', garbage, null])
  assert.deepEqual(decodeBatch(batch, { keyFormat: 'json' }).keys, [42, 'ü', garbage, null])
})

test('a record decodes the same whatever stands beside it', () => {
  const alone = decodeBatch(batchOf(['{"city":"Zürich"}'], ['ü'])).rows[0]
  assert.deepEqual(decodeBatch(batchOf(['{"a":1}', '{"city":"Zürich"}', garbage])).rows[1], alone)
})

test('a preview is short and never cuts a character', () => {
  const { failures } = decodeBatch(batchOf(['ü'.repeat(500)]))
  assert.equal(failures[0]!.preview, 'ü'.repeat(60) + '…')
  assert.equal(decodeBatch(batchOf(['x' + 'ü'.repeat(500)])).failures[0]!.preview, 'x' + 'ü'.repeat(59) + '…')
})

test('any bytes give a value or a refusal with a reason, never a throw', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.option(
          fc.oneof(
            fc.uint8Array(),
            fc.json().map(json => new TextEncoder().encode(json)),
            fc.string(),
          ),
        ),
        {
          maxLength: 12,
        },
      ),
      fc.constantFrom('auto' as const, 'json' as const, 'text' as const, 'bytes' as const),
      (values, format) => {
        const batch = batchOf(values, values)
        const { rows, keys, failures } = decodeBatch(batch, { format })
        const failed = new Set(failures.map(each => each.index))
        assert.equal(rows.length, values.length)
        assert.equal(keys.length, values.length)
        rows.forEach((row, i) => assert.equal(row === undefined, failed.has(i)))
        for (const { reason } of failures) assert.ok(reason.length > 0 && reason.length < 300)
        detectFormat(batch)
      },
    ),
    { numRuns: runs },
  )
})

test('rows survive being encoded and decoded', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), row => {
      const plain = JSON.parse(JSON.stringify(row)) as unknown
      const { rows } = decodeBatch(
        packEnvelopes([{ partition: 0, offset: 0n, timestampMs: 0, key: null, value: encodeValue(row) }]),
      )
      assert.deepEqual(rows, [plain])
    }),
    { numRuns: runs },
  )
})

test('a sample tells its format', () => {
  assert.equal(detectFormat(batchOf(['{"a":1}', '{"a":2}', 'oops'])), 'json')
  assert.equal(detectFormat(batchOf(['GET /', 'POST /', '42'])), 'text')
  assert.equal(detectFormat(batchOf([garbage, garbage, 'x'])), 'bytes')
  assert.equal(detectFormat(batchOf([null, null])), 'json')
  assert.equal(detectFormat(batchOf([])), 'json')
})

test('encoding knows bigint, Date, Map, Set and typed arrays', () => {
  const encoded = (row: unknown) => new TextDecoder().decode(encodeValue(row)!)
  assert.equal(encoded({ small: 42n, large: 9007199254740993n }), '{"small":42,"large":"9007199254740993"}')
  assert.equal(encoded({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}')
  assert.equal(
    encoded({ m: new Map([['a', 1]]), s: new Set([1, 2]), f: new Float32Array([0.5]) }),
    '{"m":{"a":1},"s":[1,2],"f":[0.5]}',
  )
  assert.equal(encodeValue(null), null)
  assert.equal(encodeValue(undefined), null)
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  assert.throws(() => encodeValue(cycle), { code: 'OPTION_INVALID' })
  assert.throws(() => encodeValue(() => 1), { code: 'OPTION_INVALID' })
})

test('keys and headers become bytes', () => {
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : new TextDecoder().decode(bytes))
  assert.deepEqual(
    ['k', 7, 7n, true, { a: 1 }, null, undefined].map(key => text(encodeKey(key))),
    ['k', '7', '7', 'true', '{"a":1}', null, null],
  )
  assert.deepEqual(encodeKey(garbage), garbage)
  assert.equal(encodeHeaders({}), undefined)
  assert.equal(text(encodeHeaders({ h: 'v' })!['h']!), 'v')
})

test('columns are inferred with optional, null, nested and list types', () => {
  const columns = inferColumns([
    {
      id: 1,
      name: 'a',
      at: 1767258000000,
      place: { lat: 1, lon: 2 },
      tags: ['x'],
      'odd name': true,
      mixed: 1,
      none: null,
    },
    {
      id: 2,
      name: null,
      at: 1767258000001,
      place: { lat: 1 },
      tags: [],
      'odd name': false,
      mixed: 'x',
      none: null,
      extra: [1, 'x'],
    },
  ])
  assert.equal(
    rowType(columns),
    '{ id: number; name: string | null; at: number; place: { lat: number; lon?: number }; tags: string[]; "odd name": boolean; ' +
      'mixed: string | number; none: unknown; extra?: (string | number)[] }',
  )
  assert.deepEqual(
    columns.filter(column => column.instant).map(column => column.name),
    ['at'],
  )
  assert.equal(rowType(inferColumns([])), 'Record<string, unknown>')
  assert.equal(rowType(inferColumns([1, null, 'x', [1]])), 'Record<string, unknown>')
})

test('inference never throws and never gives a type that is no TypeScript', () => {
  fc.assert(
    fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), rows => {
      const { errors } = parseSync('row.ts', `type Row = ${rowType(inferColumns(rows))}`)
      assert.deepEqual(errors, [])
    }),
    { numRuns: runs },
  )
})
