/**
 * Aligned windows as arithmetic on slices. A slice is the largest piece of time no window bound falls into: the size of a
 * tumbling window, gcd(size, slide) of a hopping one, the step of a cumulating one. A record is added to one slice; a window is
 * the sum of its slices. All bounds are half-open `[start, end)` and valid below zero.
 */
import type { WindowSpec } from '../plan.ts'

export interface WindowShape {
  readonly sliceMs: number
  sliceStart(eventTimeMs: number): number
  /** Ends of the windows that contain the slice starting here: from the first to the last (ascending by `stepMs`); none when last < first. */
  firstEnd(sliceStart: number): number
  lastEnd(sliceStart: number): number
  readonly stepMs: number
  /** Start of the window that ends here. */
  startOf(end: number): number
}

export type AlignedSpec = Extract<WindowSpec, { kind: 'tumbling' | 'hopping' | 'cumulating' }>

export function windowShape(spec: AlignedSpec): WindowShape {
  if (spec.kind === 'tumbling') return tumbling(spec.sizeMs, spec.offsetMs)
  if (spec.kind === 'hopping') return hopping(spec.sizeMs, spec.slideMs, spec.offsetMs)
  return cumulating(spec.maxSizeMs, spec.stepMs, spec.offsetMs)
}

function tumbling(size: number, offset: number): WindowShape {
  return {
    sliceMs: size,
    stepMs: size,
    sliceStart: t => floorTo(t, size, offset),
    firstEnd: s => s + size,
    lastEnd: s => s + size,
    startOf: end => end - size,
  }
}

function hopping(size: number, slide: number, offset: number): WindowShape {
  const slice = gcd(size, slide)
  return {
    sliceMs: slice,
    stepMs: slide,
    sliceStart: t => floorTo(t, slice, offset),
    // The earliest window that contains the slice has the smallest start above s − size.
    firstEnd: s => floorTo(s - size, slide, offset) + slide + size,
    lastEnd: s => floorTo(s, slide, offset) + size,
    startOf: end => end - size,
  }
}

function cumulating(maxSize: number, step: number, offset: number): WindowShape {
  return {
    sliceMs: step,
    stepMs: step,
    // Slices count from the start of their window: the last one is short when the size is no multiple of the step.
    sliceStart: t => {
      const base = floorTo(t, maxSize, offset)
      return base + Math.floor((t - base) / step) * step
    },
    firstEnd: s => s + step,
    lastEnd: s => floorTo(s, maxSize, offset) + maxSize,
    startOf: end => floorTo(end - 1, maxSize, offset),
  }
}

/** floor((t − offset) / size) · size + offset; multiplication instead of `%`, which calls fmod on doubles. */
function floorTo(t: number, size: number, offset: number): number {
  return Math.floor((t - offset) / size) * size + offset
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
