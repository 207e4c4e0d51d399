/**
 * Aligned windows as arithmetic on slices. A slice is the largest piece of time no window bound falls into: the size of a
 * tumbling window, gcd(size, slide) of a hopping one, the step of a cumulating one. A record is added to one slice; a window is
 * the sum of its slices. All bounds are half-open `[start, end)` and valid below zero.
 */
import type { CalendarSize, WindowSpec } from '../plan.ts'
import { Calendar } from '../time/calendar.ts'

export interface WindowShape {
  sliceStart(eventTimeMs: number): number
  sliceEnd(sliceStart: number): number
  /** Ends of the windows that contain the slice starting here: from the first to the last (ascending by `nextEnd`); none when last < first. */
  firstEnd(sliceStart: number): number
  lastEnd(sliceStart: number): number
  /** End of the next window. */
  nextEnd(end: number): number
  /** Start of the window that ends here. */
  startOf(end: number): number
}

export type AlignedSpec = Extract<WindowSpec, { kind: 'tumbling' | 'hopping' | 'cumulating' }>

export function windowShape(spec: AlignedSpec): WindowShape {
  if (spec.kind === 'tumbling' && spec.calendar !== undefined) return calendarTumbling(spec.calendar)
  if (spec.kind === 'cumulating' && spec.calendar !== undefined) return calendarCumulating(spec.calendar, spec.stepMs)
  if (spec.kind === 'tumbling') return tumbling(spec.sizeMs, spec.offsetMs)
  if (spec.kind === 'hopping') return hopping(spec.sizeMs, spec.slideMs, spec.offsetMs)
  return cumulating(spec.maxSizeMs, spec.stepMs, spec.offsetMs)
}

function tumbling(size: number, offset: number): WindowShape {
  return {
    sliceStart: t => floorTo(t, size, offset),
    sliceEnd: s => s + size,
    nextEnd: end => end + size,
    firstEnd: s => s + size,
    lastEnd: s => s + size,
    startOf: end => end - size,
  }
}

function hopping(size: number, slide: number, offset: number): WindowShape {
  const slice = gcd(size, slide)
  return {
    sliceStart: t => floorTo(t, slice, offset),
    sliceEnd: s => s + slice,
    nextEnd: end => end + slide,
    // The earliest window that contains the slice has the smallest start above s − size.
    firstEnd: s => floorTo(s - size, slide, offset) + slide + size,
    lastEnd: s => floorTo(s, slide, offset) + size,
    startOf: end => end - size,
  }
}

function cumulating(maxSize: number, step: number, offset: number): WindowShape {
  return {
    sliceEnd: s => s + step,
    nextEnd: end => end + step,
    // Slices count from the start of their window.
    sliceStart: t => {
      const base = floorTo(t, maxSize, offset)
      return base + Math.floor((t - base) / step) * step
    },
    firstEnd: s => s + step,
    lastEnd: s => floorTo(s, maxSize, offset) + maxSize,
    startOf: end => floorTo(end - 1, maxSize, offset),
  }
}

/** Days, weeks or months of a zone, each one slice. */
function calendarTumbling(size: CalendarSize): WindowShape {
  const calendar = new Calendar(size)
  const endOf = (start: number) => calendar.at(start).end
  return {
    sliceStart: t => calendar.at(t).start,
    sliceEnd: endOf,
    firstEnd: endOf,
    lastEnd: endOf,
    nextEnd: endOf,
    startOf: end => calendar.at(end - 1).start,
  }
}

/** "Today so far" in a zone: steps count from the first instant of the day, the last one may be short. */
function calendarCumulating(size: CalendarSize, step: number): WindowShape {
  const calendar = new Calendar(size)
  const endAfter = (start: number) => Math.min(start + step, calendar.at(start).end)
  return {
    sliceStart: t => {
      const { start } = calendar.at(t)
      return start + Math.floor((t - start) / step) * step
    },
    sliceEnd: endAfter,
    firstEnd: endAfter,
    lastEnd: s => calendar.at(s).end,
    nextEnd: endAfter,
    startOf: end => calendar.at(end - 1).start,
  }
}

/** floor((t − offset) / size) · size + offset; multiplication instead of `%`, which calls fmod on doubles. */
function floorTo(t: number, size: number, offset: number): number {
  return Math.floor((t - offset) / size) * size + offset
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
