/** What a cell shows, gathered from messages as a front end does: text joined, displays updated in place, outputs cleared. */
import { isObject } from '../supervisor/message.ts'
import type { Incoming, Json } from '../supervisor/message.ts'
import type { CodeCell } from './notebook-file.ts'

interface Place {
  readonly cell: CodeCell
  output: Json
}

export class Outputs {
  readonly #displays = new Map<string, Place[]>()
  readonly #clearing = new Set<CodeCell>()

  /** Tells which cell changed; undefined for a message that shows nothing. */
  take(cell: CodeCell | undefined, { header, content }: Incoming): void {
    const type = header.msg_type
    if (type === 'update_display_data') return this.#update(content)
    if (cell === undefined) return
    if (type === 'clear_output') {
      if (content['wait'] === true) this.#clearing.add(cell)
      else cell.outputs = []
      return
    }
    const output = outputOf(type, content)
    if (output === undefined) return
    if (this.#clearing.delete(cell)) cell.outputs = []
    const last = cell.outputs.at(-1)
    if (type === 'stream' && last?.['output_type'] === 'stream' && last['name'] === output['name'])
      cell.outputs[cell.outputs.length - 1] = { ...last, text: `${String(last['text'])}${String(output['text'])}` }
    else cell.outputs.push(output)
    const id = displayIdOf(content)
    if (id !== undefined) this.#displays.set(id, [...(this.#displays.get(id) ?? []), { cell, output }])
  }

  #update(content: Json): void {
    for (const place of this.#displays.get(displayIdOf(content) ?? '') ?? []) {
      const at = place.cell.outputs.indexOf(place.output)
      if (at < 0) continue
      const updated = { ...place.output, data: content['data'] ?? {}, metadata: content['metadata'] ?? {} }
      place.cell.outputs[at] = updated
      place.output = updated
    }
  }
}

function outputOf(type: string, content: Json): Json | undefined {
  const { data = {}, metadata = {} } = content
  if (type === 'stream') return { output_type: type, name: content['name'], text: content['text'] }
  if (type === 'display_data') return { output_type: type, data, metadata }
  if (type === 'execute_result')
    return { output_type: type, data, metadata, execution_count: content['execution_count'] }
  if (type !== 'error') return undefined
  return { output_type: type, ename: content['ename'], evalue: content['evalue'], traceback: content['traceback'] }
}

function displayIdOf(content: Json): string | undefined {
  const transient = isObject(content['transient']) ? content['transient'] : {}
  return typeof transient['display_id'] === 'string' ? transient['display_id'] : undefined
}
