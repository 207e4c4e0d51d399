/**
 * Processes a cell started and waits for: a synchronous wait (`execSync`) hears no signal of its own, only the end of its child
 * and of whoever shares the child's pipes. Children of earlier cells, a server started in the background say, are not touched.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Ticks a second of the start times in /proc; 100 on every Linux that Node runs on. */
const TICKS = 100

interface Child {
  readonly pid: number
  readonly ageMs: number
}

/** Process ids of children of `parent` not older than `ageMs`, and of all below them. */
export function childrenOf(parent: number, ageMs: number): number[] {
  const list = process.platform === 'linux' ? fromProc() : fromPs()
  const below = (pid: number): number[] => list(pid).flatMap(child => [child.pid, ...below(child.pid)])
  return list(parent)
    .filter(child => child.ageMs <= ageMs)
    .flatMap(child => [child.pid, ...below(child.pid)])
}

function fromProc(): (parent: number) => Child[] {
  const uptimeMs = Number(read('/proc/uptime').split(' ')[0]) * 1000
  return parent =>
    threadsOf(parent)
      .flatMap(thread => read(`/proc/${parent}/task/${thread}/children`).split(' '))
      .filter(pid => pid !== '')
      .map(pid => {
        // Start time is field 22; counted from behind the name, which may hold spaces and brackets. One tick of rounding.
        const stat = read(`/proc/${pid}/stat`)
        const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0)
        return { pid: Number(pid), ageMs: uptimeMs - ((started + 1) * 1000) / TICKS }
      })
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** A process that ended while we looked reads as nothing. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function fromPs(): (parent: number) => Child[] {
  let lines: string[]
  try {
    lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,etime='], { encoding: 'utf8', timeout: 1000 })
      .trim()
      .split('\n')
  } catch {
    return () => []
  }
  const rows = lines.map(line => line.trim().split(/\s+/))
  // ps counts whole seconds.
  return parent =>
    rows
      .filter(row => Number(row[1]) === parent)
      .map(row => ({ pid: Number(row[0]), ageMs: Math.max(0, secondsOf(row[2] ?? '') - 1) * 1000 }))
}

/** `[[days-]hours:]minutes:seconds` */
function secondsOf(etime: string): number {
  const [clock = '', days = '0'] = etime.split('-').reverse()
  return clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0) + Number(days) * 86_400
}
