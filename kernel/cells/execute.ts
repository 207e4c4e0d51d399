/**
 * One cell from its message to `done`: transformed, its imports loaded, driven, its result shown, its error explained.
 */
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { StreamError } from '../../stream/errors.ts'
import type { Channel } from './channel.ts'
import { compile, type Compiled } from './compile.ts'
import { bundleOf, isHandle } from './display.ts'
import { absorbSignal, drive } from './driver.ts'
import { placeError, toCellError } from './errors.ts'
import { Interrupted, setRunning, SHARED, unlessStopped } from './interrupt.ts'
import { isParam, isStream, listNames } from './listing.ts'
import type { Loader } from './loader.ts'
import type { Machine } from './machine.ts'
import { OwnStreams } from './own-streams.ts'
import type { CellError, IncludedText, ToCells } from './protocol.ts'
import { createRun, type Run } from './run.ts'
import type { NameScope } from './scope.ts'

export type Execute = Extract<ToCells, { type: 'execute' }>

export interface Executor {
  execute(message: Execute): Promise<void>
  /** Runs texts in the notebook's scope as part of the cell that asks; nothing of them is shown as a result. */
  include(texts: readonly IncludedText[]): Promise<void>
  /** Shows what a timer, a socket or a forgotten promise threw, in its cell. */
  late(error: unknown): void
}

export interface ExecutorOptions {
  readonly machine: Machine
  readonly channel: Channel
  readonly scope: NameScope
  readonly loader: Loader
  /** Path of the notebook, or of a file that stands for it. */
  readonly notebook: string
}

/** Loops that an interrupted cell left behind in the background are still stopped for this long. */
const AFTERMATH_MS = 3_000

export function createExecutor(options: ExecutorOptions): Executor {
  const { machine, channel, scope, loader, notebook } = options
  const { runs, shared, signals } = machine
  const ownStreams = new OwnStreams()
  /** The newest cell of each shell; subshells run beside each other, the cells of one in order. */
  const queues = new Map<string, Promise<void>>()
  let aftermath: NodeJS.Timeout | undefined
  const messages = new WeakMap<Run, Execute>()

  const lingerAfterStop = (): void => {
    clearTimeout(aftermath)
    aftermath = setTimeout(() => {
      aftermath = undefined
      Atomics.store(shared, SHARED.level, 0)
    }, AFTERMATH_MS)
    aftermath.unref()
  }
  const publish = (run: Run, error: unknown): CellError => {
    const shown = toCellError(error, runs.active.has(run) && run.rejection === error ? run.awaiting : undefined)
    channel.send({ type: 'message', parentId: run.requestId, msgType: 'error', content: { ...shown } })
    return shown
  }
  const start = (message: Execute, run: Run): Compiled => {
    const compiled = compile(machine, {
      label: message.cellName,
      cellId: message.cellId,
      source: message.source,
      typed: message.typed,
      spans: message.spans,
      scope,
      folder: dirname(notebook),
      meta: {
        url: pathToFileURL(notebook).href,
        filename: notebook,
        dirname: dirname(notebook),
        resolve: (specifier: string) => new URL(specifier, pathToFileURL(notebook)).href,
      },
      importer: specifier => loader.load(specifier, notebook),
      declared: names => declare(names, message, run),
    })
    refuseSelfReference(compiled, scope)
    return compiled
  }
  /** Names a stream after its variable and starts it; shows a param's slider. */
  const declare = (names: readonly string[], message: Execute, run: Run): (() => Promise<void>) | undefined => {
    const found = names.filter(name => isStream(scope.values[name]) || isParam(scope.values[name]))
    if (found.length === 0) return undefined
    return async () => {
      for (const name of found) {
        const value = scope.values[name]
        if (isStream(value)) {
          const bindName = value['bindName'] as (
            name: string,
            options: { cellId: string; listed: boolean },
          ) => Promise<void>
          run.made.add(name)
          await bindName.call(value, name, { cellId: message.cellId, listed: true })
        } else if (isParam(value)) {
          run.shown.add(value)
          const data = await bundleOf(value)
          if (!run.silent) {
            channel.send({
              type: 'message',
              parentId: run.requestId,
              msgType: 'display_data',
              content: { data, metadata: {}, transient: {} },
            })
          }
        }
      }
    }
  }
  const runText = async (message: Execute, run: Run): Promise<{ compiled: Compiled; value: unknown }> => {
    const compiled = start(message, run)
    const { transformed } = compiled
    await unlessStopped(run, loader.bind(transformed.imports, notebook, scope, compiled.origin))
    note(transformed, message.cellId, scope)
    return { compiled, value: (await drive(machine, compiled.start(), run)).value }
  }
  const runCell = async (message: Execute, run: Run): Promise<void> => {
    messages.set(run, message)
    const { compiled, value } = await runText(message, run)
    for (const line of await unlessStopped(run, ownStreams.settle(message.cellId, run.made)))
      channel.print(run.requestId, 'stdout', `${line}\n`)
    const moved = compiled.result()
    const result = moved === undefined ? value : moved.value
    if (result === undefined || run.silent || isHandle(result) || (isParam(result) && run.shown.has(result))) return
    const data = await unlessStopped(run, bundleOf(result))
    channel.send({
      type: 'message',
      parentId: run.requestId,
      msgType: 'execute_result',
      content: { execution_count: message.executionCount, data, metadata: {} },
    })
  }
  const expressions = async (message: Execute, run: Run): Promise<Record<string, unknown>> => {
    const answers: Record<string, unknown> = {}
    for (const [key, text] of Object.entries(message.userExpressions)) {
      try {
        const source = `(${text}\n)`
        const compiled = start({ ...message, source, typed: source, spans: undefined, cellName: key }, run)
        const { value } = await drive(machine, compiled.start(), run)
        answers[key] = { status: 'ok', data: await bundleOf(value), metadata: {} }
      } catch (error) {
        answers[key] = { status: 'error', ...toCellError(error) }
      }
    }
    return answers
  }
  const execute = async (message: Execute): Promise<void> => {
    const run = createRun(message)
    const alone = runs.active.size === 0
    runs.active.add(run)
    runs.newest = run
    setRunning(shared, runs.current?.hash ?? 0)
    // What another shell runs may be on its way to stop.
    if (alone && Atomics.load(shared, SHARED.target) !== run.hash) {
      Atomics.store(shared, SHARED.target, 0)
      Atomics.store(shared, SHARED.level, aftermath === undefined ? 0 : 1)
    }
    let error: CellError | undefined
    let userExpressions: Record<string, unknown> = {}
    try {
      await runs.within(run, () => runCell(message, run))
      userExpressions = await runs.within(run, () => expressions(message, run))
    } catch (thrown) {
      error = publish(run, thrown)
    }
    runs.active.delete(run)
    setRunning(shared, runs.current?.hash ?? 0)
    await signals.settled(() => absorbSignal(signals))
    if (run.interrupted) lingerAfterStop()
    if (runs.active.size === 0) Atomics.store(shared, SHARED.level, aftermath === undefined ? 0 : 1)
    channel.send({
      type: 'done',
      requestId: message.requestId,
      status: error === undefined ? 'ok' : 'error',
      error,
      userExpressions,
      payload: run.payload,
      names: listNames(scope),
    })
  }
  return {
    execute: message => {
      const shell = message.subshellId ?? ''
      const done = (queues.get(shell) ?? Promise.resolve()).then(() => execute(message))
      queues.set(shell, done)
      return done
    },
    include: async texts => {
      const run = runs.own ?? runs.current
      const message = run === undefined ? undefined : messages.get(run)
      if (run === undefined || message === undefined) throw new Error('Cannot run a file outside a cell')
      for (const { name, ...text } of texts) await runText({ ...message, ...text, cellName: name }, run)
    },
    late: error => {
      const run = runs.own ?? runs.current ?? runs.newest
      // A stopped cell's promises reject with the stop itself: that has been told.
      if (run === undefined) return void process.stderr.write(`${toCellError(error).traceback.join('\n')}\n`)
      if (run.interrupted && error instanceof Interrupted) return
      publish(run, error)
    },
  }
}

/** Records what the cell declares. */
function note(transformed: Compiled['transformed'], cellId: string, scope: NameScope): void {
  const imported = new Map(
    transformed.imports.flatMap(each =>
      each.bindings.map(b => [b.local, { specifier: each.specifier, imported: b.imported }] as const),
    ),
  )
  for (const [name, kind] of transformed.declared) {
    scope.records.set(name, { kind, cellId, origin: imported.get(name) })
  }
}

function refuseSelfReference({ transformed, origin }: Compiled, scope: NameScope): void {
  for (const [name, at] of transformed.readsBeforeDeclaration) {
    if (!scope.has(name) || !isStream(scope.values[name])) continue
    const error = new StreamError({
      code: 'STREAM_SELF_REFERENCE',
      message: `Cannot declare stream "${name}": the cell reads the name it declares`,
      hint: `Give the new stream a name of its own: const ${name}2 = ${name}…`,
    })
    placeError(error, origin, at)
    throw error
  }
}
