/* oxlint-disable -- a peer, kept as it was written */
// Deterministic workloads of workload.md for JavaScript peers.
export const T0 = 1_700_000_000_000
export const fmix = x => {
  x ^= x >>> 16
  x = Math.imul(x, 0x85ebca6b)
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
const r = (i, s) => fmix((Math.imul(i + 1, 0x9e3779b1) + Math.imul(s, 0x7feb352d)) | 0)
/** bijection of 31-bit ids onto 31-bit keys */
export const opaque = x => {
  x = Math.imul(x, 0x61c88647) & 0x7fffffff
  x ^= x >>> 16
  x = Math.imul(x, 0x5bd1e995) & 0x7fffffff
  return x ^ (x >>> 15)
}
export function parse(cell) {
  const [w, k, d] = cell.split('-')
  return { w, K: { '1k': 1e3, '100k': 1e5, '10M': 1e7 }[k], dis: d === 'd', bound: d === 'd' ? 5000 : 0 }
}
export function gen(cell, n) {
  const { w, K, dis } = parse(cell)
  let P = 1,
    Q = 50
  if (w === 'W3') Q = 20
  if (w === 'W4') {
    if (K <= 2000) {
      P = 2000 / K
      Q = 1
    } else Q = K / 2000
  }
  const ts = new Float64Array(n),
    key = new Int32Array(n),
    val = new Int32Array(n),
    side = new Uint8Array(n)
  for (let i = 0; i < n; i++) {
    const base = Math.floor((i * P) / Q)
    let rel = base
    if (dis && r(i, 3) % 100 === 0) rel = Math.max(0, base - 1 - (r(i, 4) % 4999))
    ts[i] = T0 + rel
    const id = w === 'W3' ? (r(i, 0) % (K / 8)) * 8 + (Math.floor(base / 10000) % 8) : r(i, 0) % K
    const k = (key[i] = opaque(id))
    val[i] = r(i, 1) % 1000
    if (w === 'W4') side[i] = r(i, 2) & 1
    if (w === 'W5') {
      side[i] = r(i, 2) % 5 !== 0 ? 1 : 0
      if (side[i]) val[i] = fmix(k ^ Math.imul(rel, 0x9e3779b1)) % 100000
    }
  }
  return { ts, key, val, side, n }
}
/** order independent checksum over output rows of four integers */
export function rowHash(a, b, c, d) {
  let h = Math.imul(0x811c9dc5 ^ a, 0x9e3779b1)
  h ^= h >>> 15
  h = Math.imul(h ^ b, 0x9e3779b1)
  h ^= h >>> 15
  h = Math.imul(h ^ c, 0x9e3779b1)
  h ^= h >>> 15
  h = Math.imul(h ^ d, 0x9e3779b1)
  return h ^ (h >>> 15)
}
const TAGS = ['alpha', 'beta', 'gamma', 'delta']
/** NDJSON file of the K cells */
export async function writeNdjson(path, cell, n) {
  const fs = await import('node:fs'),
    { ts, key, val } = gen(cell, n),
    f = fs.openSync(path, 'w')
  let s = ''
  for (let i = 0; i < n; i++) {
    s += `{"seq":${i},"ts":${ts[i]},"key":"k${key[i]}","val":${val[i]},"tag":"${TAGS[r(i, 5) % 4]}"}\n`
    if (s.length > 1 << 20) {
      fs.writeSync(f, s)
      s = ''
    }
  }
  fs.writeSync(f, s)
  fs.closeSync(f)
}
export async function bench(run) {
  // run(cell, data, bound) -> [rows, sum]; argv: CELL N REPS [ndjson]
  const [cell, N, reps, file] = process.argv.slice(2),
    n = +N
  const data = cell[0] === 'K' ? { n, file } : gen(cell, n)
  for (let x = 0; x < +reps; x++) {
    globalThis.gc?.()
    const t = process.hrtime.bigint(),
      c = process.cpuUsage()
    const [rows, sum] = await run(cell, data, parse(cell).bound)
    const secs = Number(process.hrtime.bigint() - t) / 1e9,
      u = process.cpuUsage(c),
      cpu = (u.user + u.system) / 1e6
    console.log('RES ' + JSON.stringify({ cell, n, secs, cpu, rows, sum: sum >>> 0 }))
    await new Promise(r => setTimeout(r, 5))
  }
}
