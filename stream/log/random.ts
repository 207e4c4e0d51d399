/**
 * Random numbers that depend on their place alone: `draw(seed, salt, index, which)` is the same on every machine, in any
 * order. Only integer arithmetic and exact divisions, so no processor or library version can differ.
 */

/** A uniform number in [0, 1) with 32 random bits. */
export function draw(seed: number, salt: number, index: number, which: number): number {
  let h = mix(seed ^ 0x9e3779b9)
  h = mix(h ^ Math.imul(salt | 0, 0x85ebca6b))
  // Indexes may pass 2^32: both halves count.
  h = mix(h ^ (index | 0))
  h = mix(h ^ Math.imul((index / 0x100000000) | 0, 0xc2b2ae35) ^ Math.imul(which + 1, 0x27d4eb2f))
  return (h >>> 0) / 0x100000000
}

/** A function that draws one number after the other for record `index`: what a generator body gets as `random`. */
export function randomOf(seed: number, salt: number, index: number): () => number {
  let which = 0
  return () => draw(seed, salt, index, which++)
}

/** A number for a name, so that topics with the same seed differ. */
export function saltOf(name: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
  return mix(h)
}

/** Roughly normal (sum of four uniforms), mean 0, deviation 1, within ±3.5: no logarithm, so every machine agrees on each bit. */
export function bell(random: () => number): number {
  return (random() + random() + random() + random() - 2) * 1.7320508075688772
}

/** A smooth wandering line through random heights in [−1, 1] at whole numbers: octaves of it make a random walk one can ask anywhere. */
export function wander(seed: number, salt: number, x: number): number {
  const whole = Math.floor(x)
  const t = x - whole
  const from = draw(seed, salt, whole, 0)
  const to = draw(seed, salt, whole + 1, 0)
  return (from + (to - from) * t * t * (3 - 2 * t)) * 2 - 1
}

function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d)
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b)
  return (h ^ (h >>> 16)) | 0
}
