/**
 * Temperature and vibration of six machines, two readings a second each. Now and then a machine is unwell for some seconds:
 * a spike, a slow drift, a shaking bearing, a sensor that is stuck. The label `anomaly` says so, for precision and recall.
 */
import { bell, draw, randomOf, saltOf, wander } from '../random.ts'
import { demoStartMs } from '../log-clock.ts'
import { cents } from './demo-topic.ts'
import type { DemoTopic } from './demo-topic.ts'

const machines = 6
/** Readings of one machine within which at most one trouble lies: two minutes. */
const block = 240
const salt = saltOf('sensors')
const troubles = ['spike', 'drift', 'shaking', 'stuck'] as const

interface Trouble {
  readonly kind: (typeof troubles)[number]
  /** 0…1 on the way through it. */
  readonly progress: number
  readonly firstReading: number
}

/** The trouble a machine has at a reading, if any. */
function troubleOf(seed: number, machine: number, reading: number): Trouble | undefined {
  const number = Math.floor(reading / block) * machines + machine
  if (draw(seed, salt + 1, number, 0) >= 0.45) return undefined
  const length = 10 + Math.floor(draw(seed, salt + 1, number, 1) * 30)
  const first = 20 + Math.floor(draw(seed, salt + 1, number, 2) * (block - length - 20))
  const place = (reading % block) - first
  if (place < 0 || place >= length) return undefined
  const kind = troubles[Math.floor(draw(seed, salt + 1, number, 3) * troubles.length)]!
  return { kind, progress: place / length, firstReading: reading - place }
}

export const sensors: DemoTopic = {
  name: 'sensors',
  description:
    'Temperature and vibration of six machines, twice a second each; labelled spikes, drifts, shaking, stuck sensors',
  timeField: 'measuredAt',
  rate: 12,
  density: 1,
  columns: [
    { name: 'machineId', type: 'string', doc: 'Which machine, m-1 to m-6, also the key of the record' },
    { name: 'temp', type: 'number', doc: 'Temperature in degrees Celsius, usually 55 to 75' },
    { name: 'vibration', type: 'number', doc: 'Vibration in mm/s, usually 0.8 to 1.6' },
    { name: 'anomaly', type: 'boolean', doc: 'Label: the machine was unwell at this reading' },
    { name: 'measuredAt', type: 'number', doc: 'When it was measured, epoch ms', instant: true },
  ],
  record: ({ seed, index, atMs }) => {
    const machine = index % machines
    const reading = Math.floor(index / machines)
    const trouble = troubleOf(seed, machine, reading)
    // A stuck sensor repeats the reading it got stuck at, noise included.
    const shown = trouble?.kind === 'stuck' ? trouble.firstReading : reading
    const random = randomOf(seed, salt, shown * machines + machine)
    const x = trouble?.kind === 'stuck' ? shown / 120 : (atMs - demoStartMs) / 60_000
    let temp = 58 + 2.5 * machine + 3 * wander(seed, salt + 10 + machine, x) + 0.35 * bell(random)
    let vibration = 1.2 + 0.18 * wander(seed, salt + 20 + machine, 2 * x) + 0.05 * bell(random)
    if (trouble?.kind === 'spike') temp += 14
    if (trouble?.kind === 'drift') {
      temp += 12 * trouble.progress
      vibration += 0.4 * trouble.progress
    }
    if (trouble?.kind === 'shaking') vibration = vibration * 2.2 + 0.3 * random()
    const row = {
      machineId: `m-${machine + 1}`,
      temp: cents(temp),
      vibration: Math.round(vibration * 1000) / 1000,
      anomaly: trouble !== undefined,
      measuredAt: atMs,
    }
    return { key: row.machineId, row }
  },
}
