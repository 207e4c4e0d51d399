/** Whether a Jupyter server stands between this kernel and those who read: it drops output above its limits (pacer.ts). */
import { readFileSync } from 'node:fs'

const SERVER = /jupyter[-_]?(?:lab|server|notebook|hub)(?!\w)/

/** `RIFFLE_PACED` 0 or 1 decides; else Jupyter Server names the notebook of a session, and its command tells it without one. */
export function behindServer(environment: NodeJS.ProcessEnv): boolean {
  const decided = environment['RIFFLE_PACED']
  if (decided === '0' || decided === '1') return decided === '1'
  if ((environment['JPY_SESSION_NAME'] ?? '') !== '') return true
  const parent = Number(environment['JPY_PARENT_PID'])
  return Number.isInteger(parent) && parent > 0 && SERVER.test(commandOf(parent))
}

/** Linux only; elsewhere the session's name is all there is. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}
