/** What a notebook's file keeps of a chart: a picture of few colours, rows as text. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32, inflateSync } from 'node:zlib'
import { indexedPng } from '../../extension/src/indexed-png.ts'
import { Chart } from '../../stream/charts/chart.ts'
import { fileBundle, VEGALITE_MIME } from '../../stream/charts/fallback.ts'
import { LIVE_MIME } from '../../stream/charts/protocol.ts'
import type { LiveBundle } from '../../stream/charts/protocol.ts'

/** The picture in a PNG of indexed colours without filters, as rows of `#rrggbb`. Checks each chunk's sum. */
function pixelsOf(png: Uint8Array): string[][] {
  const view = new DataView(png.buffer, png.byteOffset, png.length)
  const chunks = new Map<string, Uint8Array>()
  assert.deepEqual([...png.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10])
  for (let at = 8; at < png.length;) {
    const length = view.getUint32(at)
    const body = png.subarray(at + 8, at + 8 + length)
    assert.equal(view.getUint32(at + 8 + length), crc32(png.subarray(at + 4, at + 8 + length)))
    chunks.set(Buffer.from(png.subarray(at + 4, at + 8)).toString('latin1'), body)
    at += 12 + length
  }
  const head = chunks.get('IHDR') ?? new Uint8Array()
  assert.deepEqual([...head.subarray(8)], [8, 3, 0, 0, 0])
  const width = Buffer.from(head).readUInt32BE(0)
  const palette = Buffer.from(chunks.get('PLTE') ?? []).toString('hex')
  const bytes = inflateSync(chunks.get('IDAT') ?? new Uint8Array())
  assert.equal(bytes.length, (width + 1) * Buffer.from(head).readUInt32BE(4))
  return Array.from({ length: bytes.length / (width + 1) }, (_, y) => {
    assert.equal(bytes[y * (width + 1)], 0)
    return Array.from({ length: width }, (_, x) => {
      const index = bytes[y * (width + 1) + 1 + x] ?? 0
      return `#${palette.slice(6 * index, 6 * index + 6)}`
    })
  })
}

function picture(rows: readonly (readonly string[])[]): Parameters<typeof indexedPng>[0] {
  const bytes = rows.flat().flatMap(colour => [...Buffer.from(colour.slice(1), 'hex'), 255])
  return { data: Uint8ClampedArray.from(bytes), width: rows[0]?.length ?? 0, height: rows.length }
}

test('the picture in the file has the colours that were drawn, soft edges as the nearest of them', () => {
  const drawn = [
    ['#fefefe', '#ffffff', '#1f77b4', '#ffffff'],
    ['#ffffff', '#1f77b4', '#8fbbd9', '#fefefe'],
    ['#111111', '#ffffff', '#ffffff', '#1f77b4'],
  ]
  const kept = pixelsOf(indexedPng(picture(drawn)))
  assert.deepEqual(kept, [
    ['#ffffff', '#ffffff', '#1f77b4', '#ffffff'],
    ['#ffffff', '#1f77b4', '#8fbbd9', '#ffffff'],
    drawn[2],
  ])
})

test('of ten thousand colours a picture keeps 256, each pixel close to what it was', () => {
  const drawn = Array.from({ length: 100 }, (_, y) =>
    Array.from({ length: 100 }, (_, x) => `#${Buffer.from([(y * 2.5) | 0, (x * 2.5) | 0, 40]).toString('hex')}`),
  )
  const kept = pixelsOf(indexedPng(picture(drawn)))
  assert.equal(new Set(kept.flat()).size, 256)
  let farthest = 0
  kept.forEach((row, y) =>
    row.forEach((colour, x) => {
      const [a, b] = [Buffer.from(colour.slice(1), 'hex'), Buffer.from((drawn[y]?.[x] ?? '').slice(1), 'hex')]
      farthest = Math.max(farthest, ...[0, 1, 2].map(i => Math.abs((a[i] ?? 0) - (b[i] ?? 0))))
    }),
  )
  assert.ok(farthest <= 15, `a channel is ${farthest} off`)
})

test('the file of a chart keeps each value, without what only the live chart needs, in a third of the room', () => {
  const chart = new Chart({
    chartId: 's#1',
    stream: 's',
    concept: { form: 'rows', by: [], aggregates: [], revisions: false },
    options: { mark: 'line', x: 'at', y: 'n', color: 'k' },
    title: 's',
  })
  const rows = Array.from({ length: 300 }, (_, i) => {
    const at = 1_767_258_000_000 + Math.floor(i / 5) * 100
    return { k: `k${i % 5}`, at, n: Math.sin(i) * 50 + 60, $at: at, $key: `r${i}` }
  })
  const nothing = { seenCount: 300, retractedCount: 0, conflatedCount: 0, otherSeriesCount: 0 }
  chart.apply({ ...nothing, delta: { upsert: rows, remove: [] } })
  const live = chart.bundle('i', 1)[LIVE_MIME] as LiveBundle
  const filed = fileBundle(live)
  const values = (filed[VEGALITE_MIME] as { data: { values: unknown[] } }).data.values
  assert.deepEqual(
    values,
    rows.map(({ k, at, n }) => ({ k, at, n })),
  )
  const size = (bundle: unknown): number => JSON.stringify(bundle, null, 1).length
  const [before, after] = [size(live), size(filed[LIVE_MIME])]
  assert.ok(after < before / 3, `${after} of ${before} characters`)
})
