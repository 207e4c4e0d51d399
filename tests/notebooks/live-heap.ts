/**
 * What the processes of a kernel hold after a collection. Their resident memory cannot tell a leak from garbage: V8 and the language
 * server's Go let a heap double before they collect, so it climbs for some fifteen runs and stays there.
 */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../hosted/hosted.ts'

/** Variables for a Jupyter server whose kernels answer `liveHeap(folder, …)`. */
export function heapEnvironment(folder: string): NodeJS.ProcessEnv {
  const preload = fileURLToPath(new URL('collected-heap.cjs', import.meta.url))
  return { RIFFLE_TEST_HEAP: folder, NODE_OPTIONS: `--require ${JSON.stringify(preload)}` }
}

/** MB that are left in each of these Node processes when it has collected its garbage. */
export async function liveHeap(folder: string, pids: readonly number[]): Promise<readonly number[]> {
  return Promise.all(
    pids.map(async pid => {
      const file = join(folder, String(pid))
      rmSync(file, { force: true })
      process.kill(pid, 'SIGUSR2')
      return until(() => megabytesIn(file))
    }),
  )
}

function megabytesIn(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
