/** The stream API as a cell sees it, with streams that run in the engine. */
import * as riffle from '../../stream/index.ts'
import { setRuntime } from '../../stream/targets/runtime-registry.ts'
import { captureInfo } from './captures.ts'
import { createHostedRuntime } from './hosted-runtime.ts'
import type { Ask } from './connect-asking.ts'
import type { Namespace } from './loader.ts'
import type { Runs } from './run.ts'

export interface Streams {
  readonly api: Namespace
  setEngine(path: string): void
}

export function connectStreams(ask?: Ask, runs?: Runs): Streams {
  const api: Namespace = { ...riffle }
  const names = new Map(Object.entries(api).map(([name, value]) => [value, name]))
  const run = () => runs?.own ?? runs?.current
  const runtime = createHostedRuntime({
    captureInfo,
    apiName: f => names.get(f),
    ask,
    currentCell: () => run()?.cellId,
    onMade: name => run()?.made.add(name),
  })
  setRuntime(runtime)
  return { api, setEngine: path => runtime.setEngine(path) }
}
