// What a careful JavaScript user writes by hand: Map per window, one object per key, arrays per key for joins. No typed arrays.
import { bench, T0, rowHash, parse } from '../js/gen.mjs'
import fs from 'node:fs'
import readline from 'node:readline'
const wins = (size, slide) => (evs, bound, emit) => {
  const open = new Map()
  let max = -Infinity
  const close = wm => {
    for (const [s, m] of open)
      if (s + size - 1 <= wm) {
        open.delete(s)
        emit(s, m)
      } else break
  }
  let next = -Infinity
  for (const e of evs) {
    for (let s = e.ts - (e.ts % slide); s > e.ts - size; s -= slide) {
      let m = open.get(s)
      if (!m) {
        open.set(s, (m = new Map()))
        if (open.size > 1) {
          const o = [...open].sort((a, b) => a[0] - b[0])
          open.clear()
          for (const [k, v] of o) open.set(k, v)
        }
      }
      const a = m.get(e.key)
      if (a) {
        a.count++
        a.sum += e.val
      } else m.set(e.key, { count: 1, sum: e.val })
    }
    if (e.ts > max) {
      max = e.ts
      if (max >= next) {
        close(max - bound - 1)
        next = Math.floor(max / 1000) * 1000 + 1
      }
    }
  }
  close(Infinity)
}
const events = function* ({ ts, key, val, side, n }) {
  for (let i = 0; i < n; i++) yield { ts: ts[i], key: key[i], val: val[i], side: side[i] }
}
export async function run(cell, data, bound) {
  let rows = 0,
    sum = 0
  const out = (a, b, c, d) => {
    rows++
    sum = (sum + rowHash(a, b, c, d)) | 0
  }
  const each = (s, m) => {
    for (const [k, a] of m) out(s - T0, k, a.count, a.sum)
  }
  switch (parse(cell).w) {
    case 'K': {
      const evs = []
      for await (const l of readline.createInterface({
        input: fs.createReadStream(data.file, { highWaterMark: 1 << 20 }),
      })) {
        const o = JSON.parse(l)
        evs.push({ ts: o.ts, key: +o.key.slice(1), val: o.val })
      }
      wins(10000, 10000)(evs, 0, each)
      break
    }
    case 'W1':
      wins(10000, 10000)(events(data), bound, each)
      break
    case 'W2':
      wins(10000, 2000)(events(data), bound, each)
      break
    case 'W6':
      wins(10000, 10000)(events(data), bound, (s, m) => {
        const top = [...m].sort((x, y) => y[1].sum - x[1].sum || x[0] - y[0]).slice(0, 10)
        top.forEach(([k, a], i) => out(s - T0, i + 1, k, a.sum))
      })
      break
    case 'W3': {
      const GAP = 30000,
        st = new Map()
      let max = 0,
        next = 0
      const sweep = wm => {
        for (const [k, l] of st) {
          const keep = l.filter(s => s.last + GAP - 1 > wm || (out(s.first - T0, s.last - T0, k, s.count), false))
          if (keep.length) st.set(k, keep)
          else st.delete(k)
        }
      }
      for (const e of events(data)) {
        let l = st.get(e.key)
        if (!l) st.set(e.key, (l = []))
        const hit = l.filter(s => e.ts >= s.first - GAP && e.ts <= s.last + GAP)
        if (!hit.length) l.push({ first: e.ts, last: e.ts, count: 1 })
        else {
          const s = hit[0]
          s.first = Math.min(s.first, e.ts)
          s.last = Math.max(s.last, e.ts)
          s.count++
          for (const h of hit.slice(1)) {
            s.first = Math.min(s.first, h.first)
            s.last = Math.max(s.last, h.last)
            s.count += h.count
            l.splice(l.indexOf(h), 1)
          }
        }
        if (e.ts > max) {
          max = e.ts
          if (max > next) {
            sweep(max - bound - 1)
            next = max + 10000
          }
        }
      }
      sweep(Infinity)
      break
    }
    case 'W4': {
      const W = 5000,
        st = [new Map(), new Map()]
      let max = 0
      for (const e of events(data)) {
        max = Math.max(max, e.ts)
        for (const o of st[1 - e.side].get(e.key) ?? [])
          if (Math.abs(o.ts - e.ts) <= W) {
            const [a, b] = e.side ? [o, e] : [e, o]
            out(a.ts - T0, b.ts - T0, e.key, a.val * 1000 + b.val)
          }
        let l = st[e.side].get(e.key)
        if (!l) st[e.side].set(e.key, (l = []))
        while (l.length && l[0].ts < max - bound - 2 * W) l.shift()
        l.push(e)
      }
      break
    }
    case 'W5': {
      const q = new Map()
      let max = -Infinity
      const done = e => {
        const l = q.get(e.key)
        let p = -1,
          b = -1
        if (l)
          for (const v of l)
            if (v.ts <= e.ts && v.ts > b) {
              b = v.ts
              p = v.val
            }
        out(e.ts - T0, e.key, e.val, p)
      }
      let pend = []
      for (const e of events(data)) {
        if (e.ts > max) {
          // trades strictly before the watermark are complete; quotes older than the last complete one go
          max = e.ts
          const wm = max - bound - 1
          if (!bound || max % 100 === 0) {
            const rest = []
            for (const t of pend)
              if (t.ts <= wm) done(t)
              else rest.push(t)
            pend = rest
          }
        }
        if (e.side === 0) pend.push(e)
        else {
          let l = q.get(e.key)
          if (!l) q.set(e.key, (l = []))
          l.push(e)
          if (l.length > 8 && l.length % 8 === 0) {
            let keep = -Infinity
            const wm = max - bound - 200
            for (const v of l) if (v.ts <= wm && v.ts > keep) keep = v.ts
            q.set(
              e.key,
              l.filter(v => v.ts >= keep),
            )
          }
        }
      }
      for (const t of pend) done(t)
      break
    }
    case 'W7':
      for (const e of events(data))
        if (e.val >= 300 && (e.key & 1) === 0) out(e.ts - T0, e.key, Math.floor((e.val * 908) / 1000), 0)
      break
  }
  return [rows, sum]
}
await bench(run)
