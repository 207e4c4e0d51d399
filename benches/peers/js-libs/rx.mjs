// RxJS 7 (no event time of its own): windows by hand as a custom operator that opens and completes inner Observables,
// then the library's groupBy, reduce, mergeMap. Ordered input only.
import { bench, T0, rowHash, parse } from '../js/gen.mjs'
import { createRequire } from 'node:module'
const { from, Subject, Observable, filter, map, groupBy, reduce, mergeMap, toArray } = createRequire(
  process.env.PEER_PACKAGES + '/',
)('rxjs')
const windows = (size, slide) => src =>
  new Observable(o => {
    const open = new Map()
    return src.subscribe({
      next(e) {
        for (const [s, w] of open)
          if (s + size <= e.ts) {
            open.delete(s)
            w.subject.complete()
          } else break
        for (let s = e.ts - (e.ts % slide) - size + slide; s <= e.ts; s += slide) {
          let w = open.get(s)
          if (!w) {
            open.set(s, (w = { start: s, subject: new Subject() }))
            o.next(w)
          }
          w.subject.next(e)
        }
      },
      error: x => o.error(x),
      complete() {
        for (const w of open.values()) w.subject.complete()
        o.complete()
      },
    })
  })
const events = function* ({ ts, key, val, n }) {
  for (let i = 0; i < n; i++) yield { ts: ts[i], key: key[i], val: val[i] }
}
const agg = mergeMap(w =>
  w.subject.pipe(
    groupBy(e => e.key),
    mergeMap(g =>
      g.pipe(
        reduce(
          (a, e) => {
            a.count++
            a.sum += e.val
            return a
          },
          { start: w.start, key: g.key, count: 0, sum: 0 },
        ),
      ),
    ),
  ),
)
async function run(cell, data) {
  let rows = 0,
    sum = 0
  const out = (a, b, c, d) => {
    rows++
    sum = (sum + rowHash(a, b, c, d)) | 0
  }
  const src = from(events(data)),
    w = parse(cell).w
  const p =
    w === 'W1'
      ? src.pipe(
          windows(10000, 10000),
          agg,
          map(r => [r.start - T0, r.key, r.count, r.sum]),
        )
      : w === 'W2'
        ? src.pipe(
            windows(10000, 2000),
            agg,
            map(r => [r.start - T0, r.key, r.count, r.sum]),
          )
        : w === 'W6'
          ? src.pipe(
              windows(10000, 10000),
              mergeMap(x => from([x]).pipe(agg, toArray())),
              mergeMap(l =>
                l
                  .sort((a, b) => b.sum - a.sum || a.key - b.key)
                  .slice(0, 10)
                  .map((r, i) => [r.start - T0, i + 1, r.key, r.sum]),
              ),
            )
          : src.pipe(
              filter(e => e.val >= 300 && (e.key & 1) === 0),
              map(e => [e.ts - T0, e.key, Math.floor((e.val * 908) / 1000), 0]),
            )
  await new Promise((ok, no) => p.subscribe({ next: r => out(r[0], r[1], r[2], r[3]), error: no, complete: ok }))
  return [rows, sum]
}
await bench(run)
