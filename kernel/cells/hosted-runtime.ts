/**
 * The runtime of the cells process: plans go to the engine over its socket, lambdas as text and captures, rows come back when
 * they are asked for. When the engine was replaced the supervisor tells the new path and the next call goes there.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { StreamError } from '../../stream/errors.ts'
import type { CaptureInfo } from '../../stream/lambdas/capture-info.ts'
import { ship } from '../../stream/lambdas/ship.ts'
import { registryBy } from '../../stream/targets/registry-access.ts'
import type { FeedPort, RowSource, Runtime } from '../../stream/targets/runtime.ts'
import type { CellsNotice, EngineForCells } from '../engine/protocol.ts'
import { connectAsking } from './connect-asking.ts'
import type { Ask } from './connect-asking.ts'
import { createRpc, streamTransport } from '../rpc.ts'
import type { Rpc } from '../rpc.ts'

export interface HostedRuntimeOptions {
  readonly captureInfo: (f: (...args: never[]) => unknown) => CaptureInfo | undefined
  /** Name of a function of Riffle's API, for those captured under another name. */
  readonly apiName?: ((f: unknown) => string | undefined) | undefined
  /** The cell whose code is asking; what its lambdas print goes there. */
  readonly currentCell?: (() => string | undefined) | undefined
  /** A stream that the running cell made without a variable: it belongs to the cell. */
  readonly onMade?: ((name: string) => void) | undefined
  readonly ask?: Ask | undefined
  readonly onParam?: ((name: string, value: unknown) => void) | undefined
}

export interface HostedRuntime extends Runtime {
  /** Where the engine listens; called at start and whenever it was replaced. */
  setEngine(path: string): void
  close(): void
}

type Engine = Rpc<EngineForCells, never>

export function createHostedRuntime(options: HostedRuntimeOptions): HostedRuntime {
  const params = new Map<string, unknown>()
  let engine: Engine | undefined
  let socket: Socket | undefined
  let waiting: (() => void)[] = []
  let closed = false

  const setEngine = (path: string) => {
    socket?.destroy()
    const opened = connect(path)
    // A socket kept open by nobody waiting must not keep the process from ending.
    opened.unref()
    socket = opened
    engine = createRpc<object, EngineForCells, CellsNotice, never>(streamTransport(opened), {
      onNotice: notice => {
        params.set(notice.name, notice.value)
        options.onParam?.(notice.name, notice.value)
      },
    })
    for (const resolve of waiting) resolve()
    waiting = []
  }

  const reached = async (): Promise<Engine> => {
    while (engine === undefined && !closed) await new Promise<void>(resolve => waiting.push(resolve))
    if (engine !== undefined) return engine
    throw new StreamError({ code: 'ENGINE_GONE', message: 'Cannot reach the engine: the runtime was closed' })
  }

  const call: Engine['call'] = async (method, ...args) => {
    const to = await reached()
    // Only while an answer is due does the socket keep the process alive.
    socket?.ref()
    pendingCount++
    try {
      return await to.call(method, ...args)
    } finally {
      if (--pendingCount === 0) socket?.unref()
    }
  }
  let pendingCount = 0

  return {
    setEngine,
    close: () => {
      closed = true
      engine?.close()
      for (const resolve of waiting.splice(0)) resolve()
    },
    ship: f => ship(f, { info: options.captureInfo, apiName: options.apiName }),
    shipParam: name => ({
      kind: 'lambda',
      text: '() => param.value',
      captures: { param: { kind: 'param', name } },
      site: { cell: name, line: 1, column: 1, excerpt: name },
    }),
    start: (name, plan, startOptions) => call('start', name, plan, startOptions ?? {}),
    sink: async (plan, target, sinkOptions) => {
      const result = await call('sink', plan, target, { cellId: options.currentCell?.(), ...sinkOptions })
      options.onMade?.(result.name)
      return result
    },
    subscribe: (plan, subscribeOptions) => {
      const cellId = options.currentCell?.()
      return rowSource(call, () => call('subscribe', plan, { cellId, ...subscribeOptions }))
    },
    stop: name => call('stop', name),
    drain: name => call('drain', name),
    pause: name => call('pause', name),
    resume: name => call('resume', name),
    list: () => call('list'),
    feed: id => feedPort(call, id),
    describeTopic: (connection, topic) => call('describeTopic', connection, topic),
    listTopics: (connection, listOptions) => call('listTopics', connection, listOptions ?? {}),
    createTopic: (connection, topic, createOptions) => call('createTopic', connection, topic, createOptions),
    alterTopic: (connection, topic, changes) => call('alterTopic', connection, topic, changes),
    segments: (connection, topic) => call('segments', connection, topic),
    groups: (connection, name) => call('groups', connection, name),
    deleteTopic: (connection, topic) => call('deleteTopic', connection, topic),
    connect: (url, settings) => connectAsking(each => call('connect', url, each), settings, options.ask),
    registry: connection => registryBy((method, args) => call('registry', connection, method, args)),
    produce: (connection, topic, rows, produceOptions) =>
      call('produce', connection, topic, rows, produceOptions ?? {}),
    generate: (topic, generateOptions, body) =>
      call('generate', topic, { cellId: options.currentCell?.(), ...generateOptions }, body as never),
    defineParam: async spec => {
      const value = await call('defineParam', spec)
      params.set(spec.name, value)
      return value
    },
    setParam: async (name, value) => {
      await call('setParam', name, value)
      params.set(name, value)
    },
    paramValue: name => params.get(name),
    defineModel: artifact => call('defineModel', artifact),
    model: name => call('model', name),
    record: (name, spec) => call('record', name, { ...spec, cellId: options.currentCell?.() }),
    stopRecording: name => call('stopRecording', name),
    train: (plan, spec) => call('train', plan, { ...spec, cellId: options.currentCell?.() }),
    retrain: name => call('retrain', name),
    stopTraining: name => call('stopTraining', name),
    snapshot: name => call('snapshot', name),
    restore: (name, bytes) => call('restore', name, bytes),
    checkpoint: settings => call('checkpoint', settings),
    show: (stream, chartOptions) =>
      call('show', { name: stream.name, plan: stream.plan, cellId: options.currentCell?.() }, chartOptions ?? {}),
    showParam: name => call('showParam', name),
  }
}

function rowSource(call: Engine['call'], open: () => Promise<string>): RowSource {
  let closed = false
  let opened: Promise<string> | undefined
  return {
    async next() {
      if (closed) return null
      const id = await (opened ??= open())
      try {
        return await call('rows', id)
      } catch (error) {
        if (closed) return null
        throw error
      }
    },
    async drain() {
      if (!closed) await call('drainSubscription', await (opened ??= open()))
    },
    async close() {
      if (closed) return
      closed = true
      if (opened === undefined) return
      // A reader is closed in `finally` blocks: an engine that has gone must not hide the first error.
      const id = await opened.catch(() => undefined)
      if (id !== undefined) await call('unsubscribe', id).catch(ignoreGone)
    },
  }
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof StreamError) || error.code !== 'ENGINE_GONE') throw error
}

function feedPort(call: Engine['call'], id: string): FeedPort {
  // Not awaited: calls keep their order, so the first push finds the feed open.
  const opened = call('feedOpen', id)
  opened.catch(() => {})
  return {
    push: (rows, options) => call('feedPush', id, rows, options ?? {}),
    pushColumns: (columns, count) => call('feedPushColumns', id, columns, count),
    watermark: (watermarkMs, partition) => call('feedWatermark', id, watermarkMs, partition),
    idle: partition => call('feedIdle', id, partition),
    end: () => call('feedEnd', id),
  }
}
