/** The engine process that all tests of a file share, with a runtime and a notebook; ended after the last of them. */
import { after } from 'node:test'
import type { HostedRuntime } from '../../kernel/cells/hosted-runtime.ts'
import { FakeNotebook, startEngine, type HostedEngine } from './hosted.ts'

export async function engineOfFile(): Promise<{
  readonly engine: HostedEngine
  readonly runtime: HostedRuntime
  readonly notebook: FakeNotebook
}> {
  const engine = await startEngine()
  after(() => engine.stop())
  const notebook = new FakeNotebook()
  return { engine, runtime: engine.runtime(notebook), notebook }
}
