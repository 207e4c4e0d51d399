/** Trades of four made-up stocks whose prices walk at random; when a price climbs, more trades are buys. */
import { draw, randomOf, saltOf, wander } from '../random.ts'
import { demoStartMs } from '../log-clock.ts'
import { zipfPick } from '../zipf.ts'
import { cents } from './demo-topic.ts'
import type { DemoTopic } from './demo-topic.ts'

const symbols = [
  { symbol: 'RIFF', base: 142 },
  { symbol: 'BROOK', base: 58 },
  { symbol: 'DELTA', base: 310 },
  { symbol: 'POND', base: 17.5 },
] as const
const salt = saltOf('trades')

/** Octaves of smooth noise: looks like a walk, and can be asked at any instant without walking there. */
function walk(seed: number, which: number, seconds: number): number {
  const s = salt + 10 * (which + 1)
  return (
    0.03 * wander(seed, s, seconds / 240) +
    0.012 * wander(seed, s + 1, seconds / 45) +
    0.005 * wander(seed, s + 2, seconds / 11) +
    0.002 * wander(seed, s + 3, seconds / 2.3)
  )
}

export const trades: DemoTopic = {
  name: 'trades',
  description: 'Trades of four made-up stocks, prices walk at random',
  timeField: 'tradedAt',
  rate: 30,
  density: 1,
  columns: [
    { name: 'symbol', type: "'RIFF' | 'BROOK' | 'DELTA' | 'POND'", doc: 'What was traded, also the key of the record' },
    { name: 'price', type: 'number', doc: 'Price of one share' },
    { name: 'size', type: 'number', doc: 'Shares traded' },
    { name: 'side', type: "'buy' | 'sell'", doc: 'Who came to the market' },
    { name: 'tradedAt', type: 'number', doc: 'When, epoch ms', instant: true },
  ],
  record: ({ seed, index, atMs, skew }) => {
    const random = randomOf(seed, salt, index)
    const which = zipfPick(draw(seed, salt + 1, index, 0), symbols.length, skew)
    const { symbol, base } = symbols[which]!
    const seconds = (atMs - demoStartMs) / 1000
    const now = walk(seed, which, seconds)
    const slope = now - walk(seed, which, seconds - 5)
    const price = cents(base * (1 + now + (random() - 0.5) * 0.0008))
    const size = 10 * (1 + Math.floor(random() * random() * random() * 100))
    const side = random() < 0.5 + 60 * slope ? 'buy' : 'sell'
    return { key: symbol, row: { symbol, price, size, side, tradedAt: atMs } }
  },
}
