/** Memory of a process and everything below it, each page shared by n processes counted 1/n (PSS) where the system tells it. */
import { readFileSync } from 'node:fs'
import { runCommand } from '../kernel/setup/command.ts'

export interface ProcessMemory {
  readonly pid: number
  readonly command: string
  readonly megabytes: number
}

export async function memoryBelow(root: number): Promise<readonly ProcessMemory[]> {
  const listed = await runCommand('ps', ['-A', '-o', 'pid=,ppid=,rss=,args='])
  const rows = listed.stdout.split('\n').flatMap(line => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line)
    return match === null
      ? []
      : [{ pid: Number(match[1]), parent: Number(match[2]), kilobytes: Number(match[3]), command: match[4] ?? '' }]
  })
  const family = new Set([root])
  for (let grown = true; grown;) {
    const more = rows.filter(row => family.has(row.parent) && !family.has(row.pid))
    for (const row of more) family.add(row.pid)
    grown = more.length > 0
  }
  return rows
    .filter(row => family.has(row.pid))
    .map(({ pid, command, kilobytes }) => ({ pid, command, megabytes: (proportional(pid) ?? kilobytes) / 1024 }))
}

function proportional(pid: number): number | undefined {
  try {
    const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
    return match === null ? undefined : Number(match[1])
  } catch {
    return undefined
  }
}
