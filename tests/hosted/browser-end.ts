/** Plays a browser's end of the chart comm: grants credit per frame and keeps the rows a chart would draw. */
import type { ChartChange, ChartFrame, ChartRow, FromEngine, LiveBundle } from '../../stream/charts/protocol.ts'
import { LIVE_MIME } from '../../stream/charts/protocol.ts'
import type { EngineNotice } from '../../kernel/engine/protocol.ts'
import type { HostedEngine } from './hosted.ts'

export class BrowserEnd {
  readonly rows = new Map<string, Map<string, ChartRow>>()
  readonly last = new Map<string, ChartFrame>()
  /** All that were sent, each stretch after the one before. */
  readonly changes = new Map<string, ChartChange[]>()
  readonly respecs: string[] = []
  snapshots = 0
  private readonly engine: HostedEngine
  private readonly connection: string
  private seen = 0

  constructor(engine: HostedEngine, connection: string) {
    this.engine = engine
    this.connection = connection
    this.send({ type: 'hello', protocol: 1, client: connection })
  }

  send(message: Parameters<HostedEngine['supervisor']['notify']>[0]['message']): void {
    this.engine.supervisor.notify({ type: 'chart', connection: this.connection, message })
  }

  /** Subscribes to the chart of a MIME bundle; gives its id. */
  open(bundle: Record<string, unknown>): string {
    const { chartId } = bundle[LIVE_MIME] as LiveBundle
    this.rows.set(chartId, new Map())
    this.send({ type: 'subscribe', chartId, since: null, visible: true })
    return chartId
  }

  /** Applies what came since the last call, giving credit for each frame. */
  drain(): void {
    const { notices } = this.engine
    for (; this.seen < notices.length; this.seen++) this.take(notices[this.seen]!)
  }

  private take(notice: EngineNotice): void {
    if (notice.type !== 'chart' || notice.connection !== this.connection) return
    const message: FromEngine = notice.message
    if (message.type !== 'frame') return
    for (const frame of message.charts) this.apply(frame)
    this.send({ type: 'credit', count: message.credit ?? 1 })
  }

  private apply(frame: ChartFrame): void {
    const rows = this.rows.get(frame.chartId)
    if (rows === undefined) return
    this.last.set(frame.chartId, frame)
    if (frame.changes !== undefined)
      this.changes.set(frame.chartId, [...(this.changes.get(frame.chartId) ?? []), ...frame.changes.entries])
    if (frame.respec !== undefined) this.respecs.push(frame.chartId)
    if (frame.snapshot !== undefined) {
      this.snapshots++
      rows.clear()
      for (const row of frame.snapshot) rows.set(row.$key, row)
    }
    for (const key of frame.delta?.remove ?? []) rows.delete(key)
    for (const row of frame.delta?.upsert ?? []) rows.set(row.$key, row)
  }

  /** Closed windows of a chart, `field` by window start. */
  closed(chartId: string, field: string): Map<number, unknown> {
    this.drain()
    const rows = [...(this.rows.get(chartId)?.values() ?? [])].filter(row => row.$open !== true)
    return new Map(rows.map(row => [row['windowStart'] as number, row[field]] as const).sort((a, b) => a[0] - b[0]))
  }
}
