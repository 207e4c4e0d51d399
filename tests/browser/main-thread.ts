/**
 * The tasks of a page's main thread, by Chromium's own trace. Counted in processor time, not by the clock: beside a busy kernel a
 * short task may wait long for its core.
 */
import type { Page } from 'playwright-core'

export interface MainThread {
  /** Ends the recording; processor time of each task of 5 ms or more, longest first, in ms. */
  stop(): Promise<number[]>
}

export async function recordMainThread(page: Page): Promise<MainThread> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => void events.push(...(value as unknown as TraceEvent[])))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'toplevel'] },
  })
  return {
    async stop() {
      const complete = new Promise<void>(resolve => session.once('Tracing.tracingComplete', () => resolve()))
      await session.send('Tracing.end')
      await complete
      await session.detach()
      const mains = new Set(
        events
          .filter(event => event.name === 'thread_name' && event.args.name === 'CrRendererMain')
          .map(event => `${event.pid} ${event.tid}`),
      )
      const tasks = events.filter(event => event.name === TASK && mains.has(`${event.pid} ${event.tid}`))
      if (tasks.length === 0) throw new Error('the trace holds no task of the main thread')
      return tasks
        .map(task => (task.tdur ?? 0) / 1000)
        .filter(ms => ms >= 5)
        .sort((a, b) => b - a)
    },
  }
}

const TASK = 'RunTask'

interface TraceEvent {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** Microseconds of the thread's own time. */
  readonly tdur?: number
  readonly args: { readonly name?: string }
}
