// @electric-sql/d2mini (differential dataflow in TypeScript; successor @tanstack/db-ivm has the same core): no event time, no watermark, state
// is never closed. Batches of 1000 rows, changes consolidated at the end. Window = part of the key, as its documentation suggests.
import { bench, T0, rowHash, parse } from '../js/gen.mjs'
import { pathToFileURL } from 'node:url'
const root = process.env.PEER_PACKAGES
const { D2, MultiSet, map, filter, reduce, join, concat, output } = await import(
  pathToFileURL(root + '/node_modules/@electric-sql/d2mini/dist/index.js')
)
const P31 = 2 ** 31,
  P28 = 2 ** 28
function run(cell, { ts, key, val, side, n }) {
  const w = parse(cell).w,
    g = new D2(),
    a = g.newInput(),
    b = g.newInput()
  let rows = 0,
    sum = 0
  const state = new Map()
  if (w === 'W1')
    a.pipe(
      map(e => [Math.floor((e.ts - T0) / 10000) * P31 + e.key, e.val]),
      reduce(vs => {
        let c = 0,
          s = 0
        for (const [v, m] of vs) {
          c += m
          s += v * m
        }
        return [[c * P28 + s, 1]]
      }),
      output(ms => {
        for (const [[k, v], m] of ms.getInner()) if (m > 0) state.set(k, v)
      }),
    )
  else if (w === 'W4') {
    const bk = d => map(e => [(Math.floor((e.ts - T0) / 5000) + d) * P31 + e.key, e])
    a.pipe(
      bk(0),
      join(b.pipe(bk(-1), concat(b.pipe(bk(0))), concat(b.pipe(bk(1)))), 'inner'),
      filter(([, [x, y]]) => Math.abs(x.ts - y.ts) <= 5000),
      output(ms => {
        for (const [[, [x, y]], m] of ms.getInner()) {
          rows += m
          sum = (sum + Math.imul(rowHash(x.ts - T0, y.ts - T0, x.key, x.val * 1000 + y.val), m)) | 0
        }
      }),
    )
  } else
    a.pipe(
      filter(e => e.val >= 300 && (e.key & 1) === 0),
      map(e => [e.ts - T0, e.key, Math.floor((e.val * 908) / 1000), 0]),
      output(ms => {
        for (const [r, m] of ms.getInner()) {
          rows += m
          sum = (sum + rowHash(r[0], r[1], r[2], r[3])) | 0
        }
      }),
    )
  g.finalize()
  for (let i = 0; i < n;) {
    const x = [],
      y = []
    for (const end = Math.min(n, i + 1000); i < end; i++)
      (w === 'W4' && side[i] ? y : x).push([{ ts: ts[i], key: key[i], val: val[i], i }, 1])
    if (x.length) a.sendData(new MultiSet(x))
    if (y.length) b.sendData(new MultiSet(y))
    g.run()
  }
  if (w === 'W1')
    for (const [k, v] of state) {
      rows++
      sum = (sum + rowHash(Math.floor(k / P31) * 10000, k % P31, Math.floor(v / P28), v % P28)) | 0
    }
  return [rows, sum]
}
await bench(run)
