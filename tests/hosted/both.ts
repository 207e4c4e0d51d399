/** The same program inline and in a real engine process: both must give the same bytes. The engine ends with the file's tests. */
import assert from 'node:assert/strict'
import { EmbeddedConnection } from '../../stream/connectors/embedded.ts'
import { LocalRuntime, setRuntime } from '../../stream/index.ts'
import { MemoryRegistry } from '../../stream/schemas/memory-registry.ts'
import { wallClock } from '../../stream/time/clock.ts'
import { engineOfFile } from './engine-of-file.ts'
import type { FakeNotebook, HostedEngine } from './hosted.ts'
import type { Runtime } from '../../stream/targets/runtime.ts'

export async function inlineAndHosted(): Promise<{
  readonly notebook: FakeNotebook
  /** Runs the program both ways; gives the inline rows. */
  readonly both: (program: () => Promise<unknown[]>) => Promise<unknown[]>
  readonly hosted: Runtime
  readonly engine: HostedEngine
}> {
  const { engine, runtime, notebook } = await engineOfFile()
  const local = new LocalRuntime({
    embedded: async () => new EmbeddedConnection({ clock: wallClock, demos: [], registry: new MemoryRegistry() }),
  })
  const both = async (program: () => Promise<unknown[]>) => {
    setRuntime(local)
    const inline = await program()
    setRuntime(runtime)
    const shipped = await program()
    assert.deepEqual(shipped, inline)
    // Order of fields counts too: what is written to a file is the same byte by byte.
    assert.equal(textOf(shipped), textOf(inline))
    return inline
  }
  return { notebook, both, hosted: runtime, engine }
}

const textOf = (rows: unknown) =>
  JSON.stringify(rows, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
