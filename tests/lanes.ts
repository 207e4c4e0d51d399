/** The lanes of the test run: which files belong to one, what it needs before, how long it may take. */
import { existsSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { packageRoot } from '../kernel/setup/places.ts'
import type { StepName } from '../kernel/setup/setup.ts'

export interface Lane {
  readonly name: string
  /** Files and folders below the root that it takes its `*.test.ts` from. */
  readonly from: readonly string[]
  /** Steps of the set-up. */
  readonly needs: readonly StepName[]
  readonly chromium: boolean
  /** Its files and the kernels they start run on Node 24, not on the Node at hand. */
  readonly node24?: boolean
  /** Test files at the same time. */
  readonly concurrency: number
  /** Hang limit of one test file (node ends it and goes on with the next), and of the lane. */
  readonly fileLimitMs: number
  readonly limitMs: number
}

const minute = 60_000
const everything: readonly StepName[] = ['python', 'bundle', 'extension', 'jupyter']
const ownLanes = ['protocol', 'servers', 'browser', 'notebooks']

const protocol = lane('protocol', { needs: ['python', 'bundle'], fileLimitMs: 4 * minute, limitMs: 14 * minute })

/** Order: the quick ones first, so that a broken tree is told early. */
export const lanes: readonly Lane[] = [
  {
    name: 'unit',
    from: ['kernel', 'magics', 'stream', 'extension/src', 'benches', 'tests'],
    needs: ['bundle'],
    chromium: false,
    concurrency: 2,
    fileLimitMs: 3 * minute,
    limitMs: 15 * minute,
  },
  protocol,
  { ...protocol, name: 'node-24', node24: true },
  lane('servers', { needs: [], fileLimitMs: 5 * minute, limitMs: 12 * minute }),
  lane('notebooks', { needs: everything, fileLimitMs: 4 * minute, limitMs: 12 * minute }),
  lane('browser', { needs: everything, chromium: true, fileLimitMs: 8 * minute, limitMs: 30 * minute }),
]

function lane(name: string, own: Pick<Lane, 'needs' | 'fileLimitMs' | 'limitMs'> & { chromium?: boolean }): Lane {
  return { name, from: [`tests/${name}`], chromium: false, concurrency: 1, ...own }
}

/** Test files of a lane, sorted; the unit lane leaves out what has a lane of its own. */
export function testFiles(lane: Lane): readonly string[] {
  const found = lane.from
    .flatMap(path => [...filesUnder(join(packageRoot, path))])
    .map(path => relative(packageRoot, path))
  const foreign = ownLanes.map(name => `tests/${name}`).filter(folder => !lane.from.includes(folder))
  return found
    .filter(path => path.endsWith('.test.ts') && !foreign.some(folder => path.startsWith(`${folder}/`)))
    .sort()
}

function* filesUnder(path: string): Generator<string> {
  if (!existsSync(path)) return
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue
    if (entry.isDirectory()) yield* filesUnder(join(path, entry.name))
    else yield join(path, entry.name)
  }
}
