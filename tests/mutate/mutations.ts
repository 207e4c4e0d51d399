/**
 * The table of planted faults: one line each, with the test files that must turn red. A fault that no suite notices is a rule
 * without a test. `find` must occur exactly once in `file`; `mutations.test.ts` says so when the code moved on.
 */
export interface Mutation {
  /** The rule that is broken. */
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** Test files, below the root. At least one of them must fail. */
  readonly suite: readonly string[]
}

const windows = ['tests/properties/window.test.ts', 'tests/cases/semantics.test.ts']
const charts = ['stream/charts/hub.test.ts', 'stream/charts/model.test.ts']

export const mutations: readonly Mutation[] = [
  {
    name: 'a window fires one millisecond late',
    file: 'stream/operators/window.ts',
    find: '(this.openEnds[0] as number) - 1 <= to',
    replace: '(this.openEnds[0] as number) <= to',
    suite: windows,
  },
  {
    name: 'a record at the very end of lateness is still taken',
    file: 'stream/operators/window.ts',
    find: 'if (fresh.lastEnd - 1 + this.parts.latenessMs <= this.watermarkMs)',
    replace: 'if (fresh.lastEnd - 1 + this.parts.latenessMs < this.watermarkMs)',
    suite: windows,
  },
  {
    name: 'a window that fired twice sends its old row without a retraction',
    file: 'stream/operators/window.ts',
    find: 'if (old !== undefined) this.out.add(old, end - 1, beforeMs, -1)',
    replace: 'if (old !== undefined) this.out.add(old, end - 1, beforeMs, 1)',
    suite: windows,
  },
  {
    name: 'a snapshot forgets what was sent',
    file: 'stream/operators/window.ts',
    find: 'sent: [...this.sent.values()],',
    replace: 'sent: [],',
    suite: windows,
  },
  {
    name: 'the watermark stands at the bound, not one millisecond before',
    file: 'stream/time/watermark.ts',
    find: 'outOfOrderMs + 1',
    replace: 'outOfOrderMs',
    suite: windows,
  },
  {
    name: 'an idle partition holds the watermark',
    file: 'stream/time/watermark.ts',
    find: 'if (this.phase[p] === ACTIVE && (this.own[p] as number) < least)',
    replace: 'if ((this.own[p] as number) < least)',
    suite: windows,
  },
  {
    name: 'the watermark is the maximum over partitions',
    file: 'stream/time/watermark.ts',
    find: '(this.own[p] as number) < least) least',
    replace: '(this.own[p] as number) > -1 && least === Infinity) least',
    suite: windows,
  },
  {
    name: 'an instant without an offset is taken as UTC',
    file: 'stream/time/event-time.ts',
    find: "if (typeof ms === 'number') return ms",
    replace: "if (typeof ms === 'number' || ms === 'no-offset') return Date.parse(value)",
    suite: ['stream/time/event-time.test.ts'],
  },
  {
    name: 'a frame costs no credit',
    file: 'stream/charts/connection.ts',
    find: 'this.#credit--',
    replace: 'this.#credit -= 0',
    suite: charts,
  },
  {
    name: 'a delta is applied across a gap',
    file: 'stream/charts/model.ts',
    find: 'frame.sequence !== this.#sequence + 1',
    replace: 'frame.sequence < this.#sequence + 1',
    suite: charts,
  },
  {
    name: 'a chart keeps one row too many',
    file: 'stream/charts/retain.ts',
    find: 'const surplus = kept.length - retention.rows',
    replace: 'const surplus = kept.length - retention.rows - 1',
    suite: charts,
  },
  {
    name: 'a merged delta brings back a row that was removed',
    file: 'stream/charts/model.ts',
    find: '    this.#upsert.delete(key)\n    this.#remove.add(key)',
    replace: '    this.#remove.add(key)',
    suite: charts,
  },
  {
    name: 'a full embedded topic never forgets',
    file: 'stream/log/partition-log.ts',
    find: 'while (this.byteCount > this.#retentionBytes',
    replace: 'while (this.byteCount > this.#retentionBytes * 2',
    suite: ['stream/log/log.test.ts'],
  },
  {
    name: 'reading from an instant skips the record at that instant',
    file: 'stream/log/partition-log.ts',
    find: 'segment.timestampsMs[i]! >= timestampMs',
    replace: 'segment.timestampsMs[i]! > timestampMs',
    suite: ['stream/log/partition-log.test.ts'],
  },
  {
    name: 'the last record of a partition is hidden',
    file: 'stream/log/partition-log.ts',
    find: 'return last.baseOffset + last.count\n',
    replace: 'return last.baseOffset + last.count - 1\n',
    suite: ['stream/log/log.test.ts', 'stream/log/partition-log.test.ts'],
  },
  {
    name: 'a message with a wrong signature is obeyed',
    file: 'kernel/supervisor/message.ts',
    find: 'if (signature.length !== expected.length || !timingSafeEqual(signature, expected))',
    replace: 'if (signature.length !== expected.length)',
    suite: ['tests/protocol/execute.test.ts'],
  },
  {
    name: 'a message may be sent twice',
    file: 'kernel/supervisor/message.ts',
    find: 'if (this.#seen.has(hex))',
    replace: 'if (this.#seen.has(hex + hex))',
    suite: ['tests/protocol/execute.test.ts'],
  },
  {
    name: 'a runaway lambda is never ended',
    file: 'kernel/engine/compute.ts',
    find: 'else this.sameMs += passed',
    replace: 'else this.sameMs += 0 * passed',
    suite: ['tests/hosted/runaway.test.ts'],
  },
  {
    name: 'a slow batch counts as a runaway',
    file: 'kernel/engine/compute.ts',
    find: 'if (!inside || calls !== this.lastCalls) this.sameMs = 0',
    replace: 'if (!inside) this.sameMs = 0',
    suite: ['tests/hosted/runaway.test.ts'],
  },
  {
    name: 'a key of a negative hash has no partition',
    file: 'stream/connectors/partitioner.ts',
    find: '(murmur2(key) & 0x7fffffff) % partitionCount',
    replace: 'Math.abs(murmur2(key)) % partitionCount',
    suite: ['stream/log/log.test.ts', 'stream/connectors/connectors.test.ts'],
  },
  {
    name: 'an assignment to a captured name passes',
    file: 'stream/lambdas/ship.ts',
    find: "code: 'LAMBDA_ASSIGNMENT',",
    replace: "code: 'INTERNAL',",
    suite: ['stream/lambdas/lambdas.test.ts'],
  },
  {
    name: 'the nearest name is any name',
    file: 'magics/header.ts',
    find: 'away <= Math.max(1, Math.ceil(word.length / 3)) && away < word.length',
    replace: 'away >= 0',
    suite: ['magics/header.test.ts', 'magics/expand.test.ts'],
  },
  {
    name: 'two sends are in flight on one socket',
    file: 'kernel/supervisor/send-queue.ts',
    find: 'if (this.#sending || this.#held) return',
    replace: 'if (this.#held) return',
    suite: ['kernel/supervisor/send-queue.test.ts'],
  },
  {
    name: 'charts may read the wall clock',
    file: 'stream/charts/hub.ts',
    find: 'export class ChartHub',
    replace: 'export const startedMs = Date.now()\nexport class ChartHub',
    suite: ['tests/architecture.test.ts'],
  },
  {
    name: 'riffle uninstall leaves the extension',
    file: 'kernel/install.ts',
    find: 'rmSync(folder, { recursive: true, force: true })',
    replace: "if (folder.includes('kernels')) rmSync(folder, { recursive: true, force: true })",
    suite: ['kernel/install.test.ts'],
  },
  {
    name: 'Node 20.18 passes the doctor',
    file: 'kernel/doctor.ts',
    find: 'atLeast(version, [20, 19])',
    replace: 'atLeast(version, [20, 18])',
    suite: ['kernel/doctor.test.ts'],
  },
  {
    name: 'a section name inside a template of a body begins no section',
    file: 'magics/split.ts',
    find: 'if (bySection) return !endsInLiteral(body)',
    replace: 'if (bySection) return true',
    suite: ['magics/split.test.ts'],
  },
  {
    name: 'an option given twice is refused',
    file: 'magics/header.ts',
    find: 'if (this.options.has(name) && option.repeated !== true)',
    replace: 'if (name === undefined)',
    suite: ['magics/header.test.ts'],
  },
  {
    name: 'a cell that reads the name it declares is refused',
    file: 'magics/expand.ts',
    find: 'if (name === chain.rootName)',
    replace: "if (name === '')",
    suite: ['magics/expand.test.ts'],
  },
  {
    name: 'only the last section of a cell shows',
    file: 'magics/expand.ts',
    find: 'if (!section.last || section.quiet ||',
    replace: 'if (section.quiet ||',
    suite: ['magics/expand.test.ts'],
  },
  {
    name: 'a name given without --as belongs to its cell',
    file: 'magics/names.ts',
    find: 'owner.cellId === cellId && owner.base === base',
    replace: 'owner.base === base',
    suite: ['magics/expand.test.ts'],
  },
  {
    name: 'a lambda parameter called like the API is not the API',
    file: 'magics/api-names.ts',
    find: 'inner = [...scopes, functionScope(node)]',
    replace: 'inner = scopes',
    suite: ['magics/expand.test.ts'],
  },
  {
    name: 'a share of 5% is 0.05',
    file: 'magics/values.ts',
    find: 'Number((Number(text.slice(0, -1)) / 100).toPrecision(12))',
    replace: 'Number((Number(text.slice(0, -1)) / 10).toPrecision(12))',
    suite: ['magics/expand.test.ts'],
  },
  {
    name: 'a statement below a magic does not go on with it',
    file: 'magics/source-writer.ts',
    find: "this.source += this.source.endsWith('\\n') ? ';' : '\\n;'",
    replace: "this.source += '\\n'",
    suite: ['magics/expand.test.ts'],
  },
  {
    name: 'rows a restored worker repeats are delivered again',
    file: 'kernel/engine/run.ts',
    find: 'const skip = this.delivered - message.at',
    replace: 'const skip = 0',
    suite: ['tests/hosted/restore.test.ts'],
  },
  {
    name: 'a param is forgotten when the journal before a snapshot goes',
    file: 'kernel/engine/run.ts',
    find: "if (entry.event.kind === 'param') this.baseParams",
    replace: "if (entry.event.kind === 'restore') this.baseParams",
    suite: ['tests/hosted/restore.test.ts'],
  },
  {
    name: 'a slow reader is sent everything',
    file: 'kernel/engine/subscriptions.ts',
    find: 'allowance: () => this.limit - this.buffered,',
    replace: 'allowance: () => Infinity,',
    suite: ['tests/hosted/streams.test.ts'],
  },
  {
    name: 'a subscription does not follow its name',
    file: 'kernel/engine/subscriptions.ts',
    find: 'if (subscription.names.some(name => names.has(name))) subscription.begin()',
    replace: 'if (names.size === 0) subscription.begin()',
    suite: ['tests/hosted/streams.test.ts'],
  },
  {
    name: 'an instance of an unknown class is captured as plain data',
    file: 'stream/lambdas/ship.ts',
    find: "if (info?.kind !== 'class') throw this.cannot(path, `an instance of ${name}`, site)",
    replace: "if (info?.kind !== 'class') return { kind: 'value', value: {} }",
    suite: ['stream/lambdas/lambdas.test.ts'],
  },
  {
    name: 'calls pending on a closed connection hang',
    file: 'kernel/rpc.ts',
    find: 'for (const call of pending.values()) call.reject(StreamError.from(gone))',
    replace: '',
    suite: ['kernel/rpc.test.ts'],
  },
]
