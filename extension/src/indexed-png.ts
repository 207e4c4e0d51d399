/**
 * A picture as a PNG of few colours, for the file of a notebook: a chart has some lines, words and their soft edges, and a canvas writes
 * millions of colours for them, six times as large.
 */
import { zlibSync } from 'fflate'

const COLOURS = 256
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10]

/** `data` as a canvas gives it: red, green, blue, opacity; the last one is taken as whole. */
export interface Pixels {
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number
}

export function indexedPng({ data, width, height }: Pixels): Uint8Array {
  const { palette, indexes } = fewColours(data)
  // Each row begins with how it is written: as it is.
  const rows = new Uint8Array((width + 1) * height)
  for (let y = 0; y < height; y++) rows.set(indexes.subarray(y * width, (y + 1) * width), y * (width + 1) + 1)
  const head = new DataView(new ArrayBuffer(13))
  head.setUint32(0, width)
  head.setUint32(4, height)
  head.setUint8(8, 8)
  head.setUint8(9, 3)
  return pngOf([
    ['IHDR', new Uint8Array(head.buffer)],
    ['PLTE', Uint8Array.from(palette.flatMap(colour => [colour >> 16, (colour >> 8) & 255, colour & 255]))],
    ['IDAT', zlibSync(rows)],
    ['IEND', new Uint8Array()],
  ])
}

interface Run {
  readonly colour: number
  readonly from: number
  readonly to: number
}

/** Neighbours of the same colour, as pixels from and to: most of a chart is its ground. */
function runsOf(data: Uint8ClampedArray): Run[] {
  const colourAt = (at: number): number =>
    ((data[at] as number) << 16) | ((data[at + 1] as number) << 8) | (data[at + 2] as number)
  const runs: Run[] = []
  for (let at = 0; at < data.length;) {
    const colour = colourAt(at)
    const from = at / 4
    while (at < data.length && colourAt(at) === colour) at += 4
    runs.push({ colour, from, to: at / 4 })
  }
  return runs
}

/** The colours that come most, one of each neighbourhood of 16 shades a channel; the rest as the nearest of them. */
function fewColours(data: Uint8ClampedArray): { readonly palette: readonly number[]; readonly indexes: Uint8Array } {
  const runs = runsOf(data)
  const counts = new Map<number, number>()
  for (const { colour, from, to } of runs) counts.set(colour, (counts.get(colour) ?? 0) + to - from)
  const near = new Map<number, { colour: number; most: number; all: number }>()
  for (const [colour, count] of counts) {
    const bucket = colour & 0xf0f0f0
    const known = near.get(bucket)
    if (known === undefined) near.set(bucket, { colour, most: count, all: count })
    else {
      known.all += count
      if (count > known.most) Object.assign(known, { colour, most: count })
    }
  }
  const palette = [...near.values()]
    .sort((a, b) => b.all - a.all)
    .slice(0, COLOURS)
    .map(({ colour }) => colour)
  const indexOf = new Map<number, number>()
  for (const colour of counts.keys()) indexOf.set(colour, nearest(palette, colour))
  const indexes = new Uint8Array(data.length / 4)
  for (const { colour, from, to } of runs) indexes.fill(indexOf.get(colour) ?? 0, from, to)
  return { palette, indexes }
}

function nearest(palette: readonly number[], colour: number): number {
  let best = 0
  let least = Infinity
  palette.forEach((each, index) => {
    let distance = 0
    for (const shift of [16, 8, 0]) distance += (((each >> shift) & 255) - ((colour >> shift) & 255)) ** 2
    if (distance < least) [best, least] = [index, distance]
  })
  return best
}

/** Around each chunk there are its length, its name of four letters and its sum. */
function pngOf(chunks: readonly (readonly [name: string, body: Uint8Array])[]): Uint8Array {
  const png = new Uint8Array(chunks.reduce((sum, [, body]) => sum + 12 + body.length, SIGNATURE.length))
  const view = new DataView(png.buffer)
  png.set(SIGNATURE)
  let at = SIGNATURE.length
  for (const [name, body] of chunks) {
    const end = at + 8 + body.length
    view.setUint32(at, body.length)
    for (let i = 0; i < 4; i++) png[at + 4 + i] = name.charCodeAt(i)
    png.set(body, at + 8)
    view.setUint32(end, crc32(png.subarray(at + 4, end)))
    at = end + 4
  }
  return png
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 255] as number) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
