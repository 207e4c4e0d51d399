/* oxlint-disable -- a peer, kept as it was written */
// Hand-written JavaScript loops over typed arrays: the physical limit for JavaScript. One function per workload, no engine.
import { T0, rowHash, parse } from './gen.mjs'
import fs from 'node:fs'

/** open addressing (key -> count,sum), 16-byte entries: int key, int count, double sum; count 0 = empty */
class Table {
  constructor(cap) {
    this.alloc(cap)
  }
  alloc(cap) {
    this.cap = cap
    this.used = 0
    const b = new ArrayBuffer(cap * 16)
    this.i = new Int32Array(b)
    this.f = new Float64Array(b)
  }
  grow() {
    const { i, f, cap } = this
    this.alloc(cap * 2)
    const ni = this.i,
      nf = this.f,
      m = this.cap - 1
    for (let s = 0; s < cap; s++)
      if (i[s * 4 + 1] !== 0) {
        let p = (Math.imul(i[s * 4], 0x9e3779b1) >>> 7) & m
        while (ni[p * 4 + 1] !== 0) p = (p + 1) & m
        ni[p * 4] = i[s * 4]
        ni[p * 4 + 1] = i[s * 4 + 1]
        nf[p * 2 + 1] = f[s * 2 + 1]
        this.used++
      }
  }
}
function fireTable(t, start) {
  const { i, f, cap } = t
  let s = 0
  for (let p = 0; p < cap; p++)
    if (i[p * 4 + 1] !== 0) s = (s + rowHash(start, i[p * 4], i[p * 4 + 1], f[p * 2 + 1])) | 0
  const n = t.used
  i.fill(0)
  t.used = 0
  return [n, s]
}
// W1 / W6: tumbling; per open window one table; running watermark; inline fire. top > 0 keeps only the top rows.
function tumbling({ ts, key, val, n }, bound, top) {
  const SIZE = 10000,
    tabs = [new Table(1024), new Table(1024)]
  let rows = 0,
    sum = 0,
    maxTs = -Infinity
  let start = ts[0] - (ts[0] % SIZE) // oldest open window; the next one is the only other that can be open
  let cur = tabs[0],
    nxt = tabs[1],
    fireAt = start + SIZE + bound
  const fire = () => {
    if (top) {
      const [r, s] = fireTop(cur, start - T0, top)
      rows += r
      sum = (sum + s) | 0
    } else {
      const [r, s] = fireTable(cur, start - T0)
      rows += r
      sum = (sum + s) | 0
    }
    const t = cur
    cur = nxt
    nxt = t
    start += SIZE
    fireAt += SIZE
  }
  for (let e = 0; e < n;) {
    // run of events that need no fire, into one table
    let tab = cur,
      lo = start,
      hi = start + SIZE,
      i = tab.i,
      f = tab.f,
      m = tab.cap - 1,
      room = (tab.cap * 0.6 - tab.used) | 0
    if (ts[e] >= fireAt) {
      fire()
      continue
    }
    if (ts[e] >= hi) {
      tab = nxt
      lo = hi
      hi += SIZE
      i = tab.i
      f = tab.f
      m = tab.cap - 1
      room = (tab.cap * 0.6 - tab.used) | 0
    }
    let left = room
    for (; e < n; e++) {
      const t = ts[e]
      if (t < lo || t >= hi || t >= fireAt) break
      const k = key[e]
      let p = (Math.imul(k, 0x9e3779b1) >>> 7) & m
      while (i[p * 4 + 1] !== 0 && i[p * 4] !== k) p = (p + 1) & m
      if (i[p * 4 + 1] === 0) {
        if (--left < 0) break
        i[p * 4] = k
        f[p * 2 + 1] = 0
      }
      i[p * 4 + 1]++
      f[p * 2 + 1] += val[e]
    }
    tab.used += room - Math.max(left, 0)
    if (left < 0) tab.grow()
  }
  while (cur.used || nxt.used) fire()
  return [rows, sum]
}
function fireTop(t, start, k) {
  const { i, f, cap } = t,
    ks = new Int32Array(k),
    ss = new Float64Array(k).fill(-1)
  let c = 0,
    min = -1
  for (let p = 0; p < cap; p++)
    if (i[p * 4 + 1] !== 0) {
      const s = f[p * 2 + 1],
        ky = i[p * 4]
      if (s < min && c === k) continue
      let j = c < k ? c++ : k - 1
      if (c === k && j === k - 1 && ss[j] >= 0 && (s < ss[j] || (s === ss[j] && ky > ks[j]))) continue
      while (j > 0 && (ss[j - 1] < s || (ss[j - 1] === s && ks[j - 1] > ky))) {
        ss[j] = ss[j - 1]
        ks[j] = ks[j - 1]
        j--
      }
      ss[j] = s
      ks[j] = ky
      min = c === k ? ss[k - 1] : -1
    }
  let sum = 0
  for (let j = 0; j < c; j++) sum = (sum + rowHash(start, j + 1, ks[j], ss[j])) | 0
  i.fill(0)
  t.used = 0
  return [c, sum]
}
/** key -> dense id */
class Intern {
  constructor() {
    this.n = 0
    this.alloc(1024)
    this.keys = new Int32Array(1024)
  }
  alloc(cap) {
    this.cap = cap
    this.t = new Int32Array(cap * 2)
  } // key, id+1
  grow() {
    const o = this.t,
      c = this.cap
    this.alloc(c * 2)
    const t = this.t,
      m = this.cap - 1
    for (let s = 0; s < c; s++)
      if (o[s * 2 + 1] !== 0) {
        let p = (Math.imul(o[s * 2], 0x9e3779b1) >>> 7) & m
        while (t[p * 2 + 1] !== 0) p = (p + 1) & m
        t[p * 2] = o[s * 2]
        t[p * 2 + 1] = o[s * 2 + 1]
      }
  }
  add(k) {
    if (this.n + 1 > this.cap * 0.5) this.grow()
    if (this.n === this.keys.length) {
      const a = new Int32Array(this.n * 2)
      a.set(this.keys)
      this.keys = a
    }
    const t = this.t,
      m = this.cap - 1
    let p = (Math.imul(k, 0x9e3779b1) >>> 7) & m
    while (t[p * 2 + 1] !== 0) p = (p + 1) & m
    t[p * 2] = k
    this.keys[this.n] = k
    return (t[p * 2 + 1] = ++this.n) - 1
  }
}
const bigger = (a, n) => {
  const b = new a.constructor(n)
  b.set(a)
  return b
}
// W2: hop 10 s / 2 s: slices of 2 s over interned ids, running total plus newest minus oldest slice
function hopping({ ts, key, val, n }, bound) {
  const SL = 2000,
    R = 16,
    it = new Intern()
  let cap = 1024,
    cnt = [],
    sm = []
  for (let s = 0; s < R; s++) {
    cnt.push(new Int32Array(cap))
    sm.push(new Float64Array(cap))
  }
  let tc = new Int32Array(cap),
    tf = new Float64Array(cap)
  const grow = () => {
    cap *= 2
    for (let s = 0; s < R; s++) {
      cnt[s] = bigger(cnt[s], cap)
      sm[s] = bigger(sm[s], cap)
    }
    tc = bigger(tc, cap)
    tf = bigger(tf, cap)
  }
  let rows = 0,
    sum = 0
  const first = ts[0] - (ts[0] % SL)
  let open = first / SL // oldest slice not yet closed
  let last = open
  const fire = () => {
    // window ending at the end of slice `open`
    const nid = it.n,
      c = cnt[open & (R - 1)],
      f = sm[open & (R - 1)],
      oc = cnt[(open - 5) & (R - 1)],
      of = sm[(open - 5) & (R - 1)],
      keys = it.keys
    const st = (open - 4) * SL - T0
    let s = 0,
      q = 0
    for (let j = 0; j < nid; j++) {
      const x = (tc[j] += c[j] - oc[j]),
        y = (tf[j] += f[j] - of[j])
      if (x !== 0) {
        s = (s + rowHash(st, keys[j], x, y)) | 0
        q++
      }
    }
    oc.fill(0)
    of.fill(0)
    rows += q
    sum = (sum + s) | 0
    open++
  }
  for (let e = 0; e < n;) {
    const t0 = ts[e]
    if (t0 >= (open + 1) * SL + bound) {
      fire()
      continue
    }
    const sl = Math.floor(t0 / SL),
      lo = sl * SL,
      hi = Math.min(lo + SL, (open + 1) * SL + bound),
      c = cnt[sl & (R - 1)],
      f = sm[sl & (R - 1)],
      tb = it.t,
      m = it.cap - 1
    if (sl > last) last = sl
    let fresh = -1
    for (; e < n; e++) {
      const t = ts[e]
      if (t < lo || t >= hi) break
      const k = key[e]
      let p = (Math.imul(k, 0x9e3779b1) >>> 7) & m
      while (tb[p * 2 + 1] !== 0 && tb[p * 2] !== k) p = (p + 1) & m
      const id = tb[p * 2 + 1] - 1
      if (id < 0) {
        fresh = k
        break
      }
      c[id]++
      f[id] += val[e]
    }
    if (fresh >= 0) {
      const id = it.add(fresh)
      if (id >= cap) grow()
      cnt[sl & (R - 1)][id]++
      sm[sl & (R - 1)][id] += val[e]
      e++
    }
  }
  while (open <= last + 4) fire()
  return [rows, sum]
}
// W3: sessions, gap 30 s. 32-byte session records (start, last, count, next, owner, wheel link), deadline wheel with 1 s buckets.
function sessions({ ts, key, n }, bound) {
  const GAP = 30000,
    WH = 128,
    it = new Intern()
  let cap = 1024,
    head = new Int32Array(cap).fill(-1)
  let sc = 1024,
    R = new Int32Array(sc * 8) // offsets: 0 st, 1 la, 2 ct, 3 nx, 4 own, 5 wn; s is the record's first index
  let used = 0,
    free = -1
  const wheel = new Int32Array(WH).fill(-1)
  let rows = 0,
    sum = 0,
    maxT = -1,
    tick = 0 // tick: next wheel second to pop
  const arm = s => {
    const b = (Math.floor((R[s + 1] + GAP) / 1000) + 1) & (WH - 1)
    R[s + 5] = wheel[b]
    wheel[b] = s
  }
  const close = s => {
    rows++
    sum = (sum + rowHash(R[s], R[s + 1], it.keys[R[s + 4]], R[s + 2])) | 0
    let p = head[R[s + 4]]
    if (p === s) head[R[s + 4]] = R[s + 3]
    else {
      while (R[p + 3] !== s) p = R[p + 3]
      R[p + 3] = R[s + 3]
    }
    R[s + 3] = free
    free = s
  }
  const pop = upTo => {
    // sessions with last+gap <= wm close within the second
    for (; tick <= upTo; tick++) {
      let s = wheel[tick & (WH - 1)]
      wheel[tick & (WH - 1)] = -1
      while (s >= 0) {
        const nxt = R[s + 5]
        if (R[s + 2] === 0) {
          R[s + 3] = free
          free = s
        } // merged away
        else if (R[s + 1] + GAP < tick * 1000) close(s)
        else arm(s)
        s = nxt
      }
    }
  }
  let nextTick = bound
  let tb = it.t,
    m = it.cap - 1
  for (let e = 0, Q = R; e < n; e++) {
    const t = (ts[e] - T0) | 0
    if (t > maxT) {
      maxT = t
      if (t > nextTick) {
        pop(Math.floor((t - bound - 1) / 1000))
        nextTick = tick * 1000 + bound
      }
    }
    const k = key[e]
    let p = (Math.imul(k, 0x9e3779b1) >>> 7) & m
    while (tb[p * 2 + 1] !== 0 && tb[p * 2] !== k) p = (p + 1) & m
    let id = tb[p * 2 + 1] - 1
    if (id < 0) {
      id = it.add(k)
      tb = it.t
      m = it.cap - 1
      if (id >= cap) {
        const o = cap
        head = bigger(head, (cap *= 2))
        head.fill(-1, o)
      }
    }
    let s = head[id],
      hit = -1
    if (s >= 0 && Q[s + 3] < 0 && t >= Q[s + 1] && t - Q[s + 1] <= GAP) {
      Q[s + 1] = t
      Q[s + 2]++
      continue
    } // in-order fast path
    while (s >= 0) {
      const q = Q[s + 3]
      if (t >= Q[s] - GAP && t <= Q[s + 1] + GAP) {
        if (hit < 0) {
          hit = s
          if (t < Q[s]) Q[s] = t
          if (t > Q[s + 1]) Q[s + 1] = t
          Q[s + 2]++
        } else {
          // bridges two sessions: fold s into hit
          if (Q[s] < Q[hit]) Q[hit] = Q[s]
          if (Q[s + 1] > Q[hit + 1]) Q[hit + 1] = Q[s + 1]
          Q[hit + 2] += Q[s + 2]
          Q[s + 2] = 0
          let p = head[id]
          if (p === s) head[id] = q
          else {
            while (Q[p + 3] !== s) p = Q[p + 3]
            Q[p + 3] = q
          }
        }
      }
      s = q
    }
    if (hit < 0) {
      if (free >= 0) {
        s = free
        free = Q[s + 3]
      } else {
        if (used === sc) {
          sc *= 2
          Q = R = bigger(R, sc * 8)
        }
        s = 8 * used++
      }
      Q[s] = Q[s + 1] = t
      Q[s + 2] = 1
      Q[s + 4] = id
      Q[s + 3] = head[id]
      head[id] = s
      arm(s)
    }
  }
  pop(Math.floor((maxT + GAP) / 1000) + 2)
  return [rows, sum]
}
// W4: interval join |dt| <= 5 s. Rows of both sides in two rings in arrival order (16-byte rows: ts, max ts on arrival,
// value, previous row of the key), per key a linked list newest first; expiry is the tail moving on.
function intervalJoin({ ts, key, val, side, n }, bound) {
  const W = 5000,
    it = new Intern()
  let RC = 1 << 12,
    ring = [new Int32Array(RC * 4), new Int32Array(RC * 4)]
  let hc = 1024,
    head = new Int32Array(hc * 2).fill(-1) // head[id*2+side]
  const seq = [0, 0],
    tail = [0, 0] // sequence numbers; slot = seq & RC-1
  let rows = 0,
    sum = 0,
    maxT = -1,
    tb = it.t,
    m = it.cap - 1
  for (let e = 0; e < n; e++) {
    const t = (ts[e] - T0) | 0,
      k = key[e],
      v = val[e],
      a = side[e],
      b = 1 - a
    if (t > maxT) maxT = t
    let p = (Math.imul(k, 0x9e3779b1) >>> 7) & m
    while (tb[p * 2 + 1] !== 0 && tb[p * 2] !== k) p = (p + 1) & m
    let id = tb[p * 2 + 1] - 1
    if (id < 0) {
      id = it.add(k)
      tb = it.t
      m = it.cap - 1
      if (id >= hc) {
        head = bigger(head, hc * 4)
        head.fill(-1, hc * 2)
        hc *= 2
      }
    }
    // probe the other side; a row that arrived when the maximum was < t-5 s cannot match, nor can older ones
    const o = ring[b],
      lo = t - W,
      tl = tail[b],
      M = RC - 1
    let q = head[id * 2 + b]
    while (q >= tl) {
      const x = (q & M) << 2
      if (o[x + 1] < lo) break
      const u = o[x]
      if (u >= lo && u <= t + W) {
        rows++
        sum = (sum + (a === 0 ? rowHash(t, u, k, v * 1000 + o[x + 2]) : rowHash(u, t, k, o[x + 2] * 1000 + v))) | 0
      }
      q = o[x + 3]
    }
    // expire, then append to own side
    const keep = maxT - bound - W
    let r = ring[a],
      tA = tail[a]
    while (tA < seq[a] && r[((tA & M) << 2) + 1] < keep) tA++
    tail[a] = tA
    if (seq[a] - tA === RC) {
      // grow both rings, re-placing by sequence
      const N2 = RC * 2
      for (let s = 0; s < 2; s++) {
        const g = new Int32Array(N2 * 4),
          f = ring[s]
        for (let z = Math.max(0, seq[s] - RC); z < seq[s]; z++)
          for (let j = 0; j < 4; j++) g[(z & (N2 - 1)) * 4 + j] = f[(z & (RC - 1)) * 4 + j]
        ring[s] = g
      }
      RC = N2
      r = ring[a]
    }
    const z = seq[a]++,
      y = (z & (RC - 1)) << 2
    r[y] = t
    r[y + 1] = maxT
    r[y + 2] = v
    r[y + 3] = head[id * 2 + a]
    head[id * 2 + a] = z
  }
  return [rows, sum]
}
// W5: as-of join: trades wait until the watermark has passed them. Calendar queue of 1 ms buckets reorders both sides.
function asof({ ts, key, val, side, n }, bound) {
  const it = new Intern(),
    NB = 8192
  let hc = 1024,
    px = new Int32Array(hc).fill(-1)
  let rows = 0,
    sum = 0,
    maxT = -1,
    tb = it.t,
    m = it.cap - 1
  if (bound === 0) {
    // in order: only trades of the current ms wait
    let pc = 64,
      pid = new Int32Array(pc),
      pv = new Int32Array(pc),
      pn = 0
    for (let e = 0; e <= n; e++) {
      const t = e < n ? (ts[e] - T0) | 0 : maxT + 1
      if (t > maxT) {
        for (let j = 0; j < pn; j++) sum = (sum + rowHash(maxT, it.keys[pid[j]], pv[j], px[pid[j]])) | 0
        rows += pn
        pn = 0
        maxT = t
      }
      if (e === n) break
      const k = key[e]
      let p = (Math.imul(k, 0x9e3779b1) >>> 7) & m
      while (tb[p * 2 + 1] !== 0 && tb[p * 2] !== k) p = (p + 1) & m
      let id = tb[p * 2 + 1] - 1
      if (id < 0) {
        id = it.add(k)
        tb = it.t
        m = it.cap - 1
        if (id >= hc) {
          px = bigger(px, hc * 2)
          px.fill(-1, hc)
          hc *= 2
        }
      }
      if (side[e] === 1) px[id] = val[e]
      else {
        if (pn === pc) {
          pc *= 2
          pid = bigger(pid, pc)
          pv = bigger(pv, pc)
        }
        pid[pn] = id
        pv[pn++] = val[e]
      }
    }
    return [rows, sum]
  }
  let pc = 1 << 16,
    id_ = new Int32Array(pc),
    v_ = new Int32Array(pc),
    nx = new Int32Array(pc),
    used = 0,
    free = -1
  const qh = new Int32Array(NB).fill(-1),
    th = new Int32Array(NB).fill(-1)
  let next = 0
  const drain = upTo => {
    for (; next <= upTo; next++) {
      const b = next & (NB - 1)
      for (let s = qh[b]; s >= 0;) {
        px[id_[s]] = v_[s]
        const q = nx[s]
        nx[s] = free
        free = s
        s = q
      }
      for (let s = th[b]; s >= 0;) {
        sum = (sum + rowHash(next, it.keys[id_[s]], v_[s], px[id_[s]])) | 0
        rows++
        const q = nx[s]
        nx[s] = free
        free = s
        s = q
      }
      qh[b] = th[b] = -1
    }
  }
  for (let e = 0; e < n; e++) {
    const t = (ts[e] - T0) | 0
    if (t > maxT) {
      maxT = t
      drain(t - bound - 1)
    }
    const k = key[e]
    let p = (Math.imul(k, 0x9e3779b1) >>> 7) & m
    while (tb[p * 2 + 1] !== 0 && tb[p * 2] !== k) p = (p + 1) & m
    let id = tb[p * 2 + 1] - 1
    if (id < 0) {
      id = it.add(k)
      tb = it.t
      m = it.cap - 1
      if (id >= hc) {
        px = bigger(px, hc * 2)
        px.fill(-1, hc)
        hc *= 2
      }
    }
    let s
    if (free >= 0) {
      s = free
      free = nx[s]
    } else {
      if (used === pc) {
        pc *= 2
        id_ = bigger(id_, pc)
        v_ = bigger(v_, pc)
        nx = bigger(nx, pc)
      }
      s = used++
    }
    id_[s] = id
    v_[s] = val[e]
    const h = side[e] === 1 ? qh : th,
      b = t & (NB - 1)
    nx[s] = h[b]
    h[b] = s
  }
  drain(maxT)
  return [rows, sum]
}
// W7: filter and map
function stateless({ ts, key, val, n }) {
  let rows = 0,
    sum = 0
  for (let e = 0; e < n; e++) {
    const v = val[e],
      k = key[e]
    if (v >= 300 && (k & 1) === 0) {
      rows++
      sum = (sum + rowHash((ts[e] - T0) | 0, k, ((v * 908) / 1000) | 0, 0)) | 0
    }
  }
  return [rows, sum]
}
// K: NDJSON bytes -> columns -> tumbling. Field scanner on bytes: finds "ts":, "key":, "val": by name in any order.
function fromBytes({ file }) {
  const B = 1 << 20,
    fd = fs.openSync(file),
    buf = Buffer.alloc(B + 65536)
  let have = 0,
    cap = 1 << 20,
    ts = new Float64Array(cap),
    key = new Int32Array(cap),
    val = new Int32Array(cap),
    n = 0
  for (;;) {
    const got = fs.readSync(fd, buf, have, B, null)
    const end = have + got
    let p = 0
    for (;;) {
      const nl = buf.indexOf(10, p)
      if (nl < 0 || nl >= end) break
      if (n === cap) {
        cap *= 2
        ts = bigger(ts, cap)
        key = bigger(key, cap)
        val = bigger(val, cap)
      }
      let q = p + 1,
        t = 0,
        k = 0,
        v = 0
      while (q < nl) {
        // at '"' of a name
        const c1 = buf[q + 1],
          c2 = buf[q + 2]
        let x = q + 1
        while (buf[x] !== 34) x++
        const len = x - q - 1
        x += 2 // past ":
        if (buf[x] === 34) {
          let y = x + 1
          if (len === 3 && c1 === 107 && c2 === 101) {
            y++
            while (buf[y] !== 34) k = k * 10 + buf[y++] - 48
          } else
            while (buf[y] !== 34) {
              if (buf[y] === 92) y++
              y++
            }
          x = y + 1
        } else {
          let z = 0
          while (buf[x] >= 48 && buf[x] <= 57) z = z * 10 + buf[x++] - 48
          if (len === 2 && c1 === 116 && c2 === 115) t = z
          else if (len === 3 && c1 === 118 && c2 === 97) v = z
        }
        q = x + 1
      }
      ts[n] = t
      key[n] = k
      val[n++] = v
      p = nl + 1
    }
    if (got === 0) break
    buf.copy(buf, 0, p, end)
    have = end - p
  }
  fs.closeSync(fd)
  return tumbling({ ts, key, val, n }, 0, 0)
}
// K with the language's own parser: JSON.parse per line
function fromJsonParse({ file }) {
  const B = 1 << 20,
    fd = fs.openSync(file),
    buf = Buffer.alloc(B + 65536)
  let have = 0,
    cap = 1 << 20,
    ts = new Float64Array(cap),
    key = new Int32Array(cap),
    val = new Int32Array(cap),
    n = 0
  for (;;) {
    const got = fs.readSync(fd, buf, have, B, null),
      end = have + got,
      cut = end ? buf.lastIndexOf(10, end - 1) + 1 : 0
    if (cut > 0)
      for (const line of buf.latin1Slice(0, cut - 1).split('\n')) {
        const o = JSON.parse(line)
        if (n === cap) {
          cap *= 2
          ts = bigger(ts, cap)
          key = bigger(key, cap)
          val = bigger(val, cap)
        }
        ts[n] = o.ts
        key[n] = +o.key.slice(1)
        val[n++] = o.val
      }
    if (got === 0) break
    buf.copy(buf, 0, cut, end)
    have = end - cut
  }
  fs.closeSync(fd)
  return tumbling({ ts, key, val, n }, 0, 0)
}
export function run(cell, data, bound) {
  switch (parse(cell).w) {
    case 'W1':
      return tumbling(data, bound, 0)
    case 'W2':
      return hopping(data, bound)
    case 'W3':
      return sessions(data, bound)
    case 'W4':
      return intervalJoin(data, bound)
    case 'W5':
      return asof(data, bound)
    case 'W6':
      return tumbling(data, bound, 10)
    case 'W7':
      return stateless(data)
    case 'K':
      return process.env.JSONPARSE ? fromJsonParse(data) : fromBytes(data)
  }
}
