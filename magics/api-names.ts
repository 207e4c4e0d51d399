/**
 * Names of the fluent API that are global in a cell. In the body of a magic a call of one of them means Riffle's own, whatever
 * the notebook calls its variables (`const count = 0` breaks nothing): it is written `riffle.count(…)`.
 *
 * Only calls are rewritten: a variable `max` in `o => o.amount > max` stays the notebook's, no API name is of use uncalled.
 */
import type { Piece, Span } from './define.ts'
import { childNodes, patternNames, type Node } from './typescript.ts'

/** Held against the exports of stream/index.ts by a test. */
// prettier-ignore
export const API_NAMES: readonly string[] = [
  'aggregate', 'alterTopic', 'checkpoint', 'collect', 'compare', 'connect', 'count', 'countDistinct', 'counting', 'createTopic', 'cumulating', 'deleteTopic', 'detector', 'drift',
  'eventTime', 'feed', 'file', 'first', 'from', 'fromColumns', 'generate', 'groups', 'histogram', 'hopping', 'idle', 'judge', 'labels', 'last', 'max', 'mean', 'min', 'model', 'nab', 'over', 'param',
  'produce', 'quantile', 'record', 'replay', 'runtime', 'schemas', 'session', 'setRuntime', 'stddev', 'stopRecording', 'stream', 'sum', 'topK', 'topic', 'topicLog', 'topics',
  'train', 'tumbling', 'vusPr', 'watermark',
]

export interface ApiCall {
  readonly name: string
  readonly start: number
}

/** Calls of free API names below `root`, in the order of the text. */
export function apiCalls(root: Node, names: ReadonlySet<string>): ApiCall[] {
  const found: ApiCall[] = []
  visit(root, [], names, found)
  return found.sort((a, b) => a.start - b.start)
}

/** `span` in pieces, with `prefix` before each call; node offsets are shifted by `offset` into the cell. */
export function rewriteCalls(
  span: Span,
  calls: readonly ApiCall[],
  offset: number,
  write: (name: string) => string,
): Piece[] {
  const pieces: Piece[] = []
  let at = span.start
  for (const call of calls) {
    const start = call.start + offset
    const end = start + call.name.length
    if (start < at || end > span.end) continue
    const replaced = write(call.name)
    if (replaced === call.name) continue
    if (start > at) pieces.push({ verbatim: cut(span, at, start) })
    pieces.push({ code: replaced.slice(0, replaced.length - call.name.length) })
    at = start
  }
  if (at < span.end) pieces.push({ verbatim: cut(span, at, span.end) })
  return pieces
}

function cut(span: Span, start: number, end: number): Span {
  return { start, end, text: span.text.slice(start - span.start, end - span.start) }
}

function visit(node: Node, scopes: readonly ReadonlySet<string>[], names: ReadonlySet<string>, found: ApiCall[]): void {
  let inner = scopes
  if (/Function/.test(node.type) && Array.isArray(node['params'])) inner = [...scopes, functionScope(node)]
  if (node.type === 'CallExpression') {
    const callee = node['callee'] as Node
    const name = callee.type === 'Identifier' ? (callee['name'] as string) : undefined
    if (name !== undefined && names.has(name) && !inner.some(scope => scope.has(name)))
      found.push({ name, start: callee.start })
  }
  for (const child of childNodes(node)) visit(child, inner, names, found)
}

/** Parameters and everything declared inside, blocks included: a name declared in a block hides the API in its whole function. */
function functionScope(node: Node): ReadonlySet<string> {
  const names: string[] = []
  patternNames(node['id'] as Node | null, names)
  for (const parameter of node['params'] as Node[]) patternNames(parameter, names)
  if (isBlock(node['body'])) declarations(node['body'] as Node, names)
  return new Set(names)
}

function isBlock(body: unknown): boolean {
  return typeof body === 'object' && body !== null && (body as Node).type !== undefined
}

function declarations(node: Node, names: string[]): void {
  if (node.type === 'VariableDeclarator' || node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') {
    patternNames(node['id'] as Node, names)
  }
  if (node.type === 'CatchClause') patternNames(node['param'] as Node | null, names)
  if (/Function/.test(node.type)) return
  for (const child of childNodes(node)) declarations(child, names)
}
