/**
 * A labelled corpus made by seed, in the likeness of what monitoring sees: daily cycles, machine load, heavy-tailed counts, sensors
 * that fail. Windows are a tenth of the file shared by its anomalies, centred on them. It imports nothing from `stream/`.
 */
export interface LabelledSeries {
  readonly name: string
  readonly values: readonly number[]
  readonly windows: readonly { readonly from: number; readonly to: number }[]
}

type Random = () => number

/** mulberry32 */
export function seeded(seed: number): Random {
  let a = seed >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = a
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

const day = 288

type Base = (i: number, random: Random) => number

const bases: Readonly<Record<string, (random: Random) => Base>> = {
  flat: () => (_, random) => 45 + 0.01 * normal(random),
  noise: () => (_, random) => 20 + 3 * normal(random),
  square: () => (i, random) => (i % day > 108 && i % day < 216 ? 80 : 40) + 2 * normal(random),
  daily: random => {
    const phase = random() * day
    return (i, r) => 50 + 20 * Math.sin((2 * Math.PI * (i + phase)) / day) + 3 * normal(r)
  },
  load: random => {
    let level = 0
    const burst = 0.004 + 0.01 * random()
    return (_, r) => {
      level = 0.9 * level + (r() < burst ? 10 * r() : 0)
      return Math.max(0, 5 + level + 0.7 * normal(r))
    }
  },
  counts: random => {
    const phase = random() * day
    const heavy = 0.35 + 0.25 * random()
    return (i, r) =>
      Math.floor(
        (12 + 8 * Math.sin((2 * Math.PI * (i + phase)) / day)) * Math.exp(heavy * normal(r)) * (r() < 0.003 ? 3 : 1),
      )
  },
  walk: () => {
    let x = 70
    return (_, r) => {
      x += 0.02 * (70 - x) + 0.6 * normal(r)
      return x + 0.5 * normal(r)
    }
  },
  traffic: random => {
    const phase = random() * day
    return (i, r) =>
      70 -
      12 * Math.max(0, Math.sin((2 * Math.PI * (i + phase)) / day)) ** 3 +
      4 * normal(r) -
      (r() < 0.004 ? 20 * r() : 0)
  },
}

/** What an anomaly does to `length` values from `at`. */
const troubles: Readonly<Record<string, (values: number[], at: number, scale: number, random: Random) => void>> = {
  spike: (values, at, scale) => {
    for (let i = at; i < at + 3; i++) values[i]! += 8 * scale
  },
  shift: (values, at, scale, random) => {
    const end = at + 60 + Math.floor(random() * 200)
    for (let i = at; i < Math.min(end, values.length); i++) values[i]! += 4 * scale
  },
  drop: (values, at, scale) => {
    for (let i = at; i < Math.min(at + 40, values.length); i++) values[i]! -= 5 * scale
  },
  stuck: (values, at) => {
    for (let i = at; i < Math.min(at + 120, values.length); i++) values[i] = values[at]!
  },
  shaking: (values, at, scale, random) => {
    for (let i = at; i < Math.min(at + 120, values.length); i++) values[i]! += 2.5 * scale * normal(random)
  },
  drift: (values, at, scale) => {
    for (let i = at; i < Math.min(at + 150, values.length); i++) values[i]! += (6 * scale * (i - at)) / 150
  },
}

/** Files like those of a monitoring benchmark; about one in ten has no anomaly. */
export function seriesCorpus(seed: number, files = 40): readonly LabelledSeries[] {
  const kinds = Object.keys(bases)
  return Array.from({ length: files }, (_, number) => {
    const random = seeded(seed * 1000 + number)
    const kind = kinds[number % kinds.length]!
    const n = 1500 + Math.floor(random() * 3000)
    const base = bases[kind]!(random)
    const values = Array.from({ length: n }, (__, i) => base(i, random))
    const scale = deviation(values.slice(0, 600))
    const count = number % 10 === 9 ? 0 : 1 + Math.floor(random() * 3)
    const width = Math.floor((0.1 * n) / Math.max(1, count))
    const windows = []
    for (let k = 0; k < count; k++) {
      const zone = (0.8 * n) / count
      const at = Math.floor(0.17 * n + zone * k + width / 2 + random() * Math.max(1, zone - 1.3 * width))
      const names = Object.keys(troubles)
      troubles[names[Math.floor(random() * names.length)]!]!(values, at, scale, random)
      const from = Math.max(0, at - Math.floor(width / 2))
      windows.push({ from, to: Math.min(n - 1, from + width - 1) })
    }
    return { name: `${kind}-${number}`, values, windows }
  })
}

export interface LabelledRows {
  readonly name: string
  readonly rows: readonly Readonly<Record<string, number>>[]
  readonly labels: readonly boolean[]
}

/** A machine with eight sensors that hang together; a third of the rows after the first 400 are a fault of one of five kinds. */
export function sensorCorpus(seed: number, files = 12): readonly LabelledRows[] {
  return Array.from({ length: files }, (_, number) => {
    const random = seeded(seed * 7919 + number)
    const n = 1100
    const mix = Array.from({ length: 8 }, () => [normal(random), normal(random), 0.3 + 0.4 * random()] as const)
    const means = mix.map(() => 20 + 50 * random())
    let load = 0
    let heat = 0
    const start = 450 + Math.floor(random() * 150)
    const ranges = [
      [start, start + 150 + Math.floor(random() * 100)],
      [start + 330, start + 420 + Math.floor(random() * 60)],
    ] as const
    const kind = number % 5
    const rows = []
    const labels = []
    for (let i = 0; i < n; i++) {
      load = 0.95 * load + 0.31 * normal(random)
      heat = 0.98 * heat + 0.2 * normal(random)
      const bad = ranges.some(([from, to]) => i >= from && i < to)
      const x = mix.map(([a, b, own], s) => means[s]! + a * load + b * heat + own * normal(random))
      if (bad && kind === 0) for (const s of [0, 1]) x[s]! += 3.5
      if (bad && kind === 1) for (const s of [2, 3, 4]) x[s]! += 2 * normal(random)
      if (bad && kind === 2) x[5] = means[5]! - (x[5]! - means[5]!) * 2 + 2
      if (bad && kind === 3) for (let s = 0; s < 8; s++) x[s]! += 1.2 * (s % 2 === 0 ? 1 : -1)
      if (bad && kind === 4) x[6]! += 0.03 * (i - ranges[i < ranges[1][0] ? 0 : 1][0]) + 1.5
      rows.push(Object.fromEntries(x.map((v, s) => [`s${s + 1}`, v])))
      labels.push(bad)
    }
    return { name: `machine-${number}`, rows, labels }
  })
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) || 1
}
