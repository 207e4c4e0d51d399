/** The messaging specification 5.5 as JSON schemas: every message a test receives is held against them. */
import { Ajv } from 'ajv'

type Schema = Readonly<Record<string, unknown>>

const text = { type: 'string' }
const count = { type: 'integer', minimum: 0 }
const object = { type: 'object' }
const list = (items: Schema): Schema => ({ type: 'array', items })
const one = (...values: readonly unknown[]): Schema => ({ enum: values })

/** No other field than these, and all of them but the optional ones. */
function exactly(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter(name => !optional.includes(name))
  return { type: 'object', properties, required, additionalProperties: false }
}

/** Keys are MIME types; JSON types hold JSON, all others text. */
const bundle: Schema = {
  type: 'object',
  propertyNames: { pattern: '^[\\w.+-]+/[\\w.+-]+$' },
  patternProperties: { '^(?!.*json$).*$': { type: 'string' } },
}
const failure = { ename: text, evalue: text, traceback: list(text) }
const shown = { data: bundle, metadata: object }

const replies: Readonly<Record<string, Schema>> = {
  kernel_info_reply: exactly({
    status: one('ok'),
    protocol_version: { type: 'string', pattern: '^5\\.5$' },
    implementation: text,
    implementation_version: text,
    language_info: exactly({
      name: text,
      version: text,
      mimetype: text,
      file_extension: text,
      pygments_lexer: text,
      codemirror_mode: object,
      nbconvert_exporter: text,
    }),
    banner: text,
    debugger: { type: 'boolean' },
    help_links: list(exactly({ text, url: text })),
    supported_features: list(text),
  }),
  execute_reply: exactly({
    status: one('ok'),
    execution_count: count,
    user_expressions: object,
    payload: list({ type: 'object', required: ['source'] }),
  }),
  complete_reply: exactly({
    status: one('ok'),
    matches: list(text),
    cursor_start: count,
    cursor_end: count,
    metadata: object,
  }),
  inspect_reply: exactly({ status: one('ok'), found: { type: 'boolean' }, ...shown }),
  is_complete_reply: exactly({ status: one('complete', 'incomplete', 'invalid', 'unknown'), indent: text }, ['indent']),
  history_reply: exactly({
    status: one('ok'),
    history: list({
      type: 'array',
      minItems: 3,
      maxItems: 3,
      items: [count, count, { anyOf: [text, { type: 'array', minItems: 2, maxItems: 2 }] }],
    }),
  }),
  comm_info_reply: exactly({
    status: one('ok'),
    comms: { type: 'object', additionalProperties: exactly({ target_name: text }) },
  }),
  interrupt_reply: exactly({ status: one('ok') }),
  shutdown_reply: exactly({ status: one('ok'), restart: { type: 'boolean' } }),
  create_subshell_reply: exactly({ status: one('ok'), subshell_id: { type: 'string', minLength: 1 } }),
  delete_subshell_reply: exactly({ status: one('ok') }),
  list_subshell_reply: exactly({ status: one('ok'), subshell_id: list(text) }),
}

/** A failed request: the same fields whatever was asked, and what execute adds. */
const failed = exactly(
  { status: one('error'), ...failure, execution_count: count, user_expressions: object, payload: list(object) },
  ['execution_count', 'user_expressions', 'payload'],
)

const others: Readonly<Record<string, Schema>> = {
  status: exactly({ execution_state: one('starting', 'busy', 'idle') }),
  execute_input: exactly({ code: text, execution_count: count }),
  execute_result: exactly({ execution_count: count, ...shown }),
  display_data: exactly({ ...shown, transient: object }),
  update_display_data: exactly({
    ...shown,
    transient: { type: 'object', required: ['display_id'], properties: { display_id: text } },
  }),
  clear_output: exactly({ wait: { type: 'boolean' } }),
  stream: exactly({ name: one('stdout', 'stderr'), text: { type: 'string', minLength: 1 } }),
  error: exactly(failure),
  iopub_welcome: exactly({ subscription: text }),
  input_request: exactly({ prompt: text, password: { type: 'boolean' } }),
  comm_open: exactly({ comm_id: text, target_name: text, data: object, target_module: text }, ['target_module']),
  comm_msg: exactly({ comm_id: text, data: object }),
  comm_close: exactly({ comm_id: text, data: object }),
}

const header = exactly({
  msg_id: { type: 'string', minLength: 1 },
  msg_type: text,
  username: text,
  session: { type: 'string', minLength: 1 },
  date: { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$' },
  version: { type: 'string', pattern: '^5\\.5$' },
})

const ajv = new Ajv({ allErrors: true, strict: false })
const checkHeader = ajv.compile(header)
const checkFailed = ajv.compile(failed)
const checks = new Map(Object.entries({ ...replies, ...others }).map(([type, schema]) => [type, ajv.compile(schema)]))

export const specifiedTypes: readonly string[] = [...checks.keys()]

/** What is wrong with a message; undefined when it is as specified. */
export function wrongWith(message: {
  readonly header: unknown
  readonly metadata: unknown
  readonly content: unknown
}): string | undefined {
  if (!checkHeader(message.header)) return `header: ${ajv.errorsText(checkHeader.errors)}`
  if (typeof message.metadata !== 'object' || message.metadata === null) return 'metadata is no object'
  const type = (message.header as { msg_type: string }).msg_type
  const isFailed = type.endsWith('_reply') && (message.content as { status?: unknown }).status === 'error'
  const check = isFailed ? checkFailed : checks.get(type)
  if (check === undefined) return `no message of type ${type} is specified`
  return check(message.content)
    ? undefined
    : `${type}: ${ajv.errorsText(check.errors)} in ${JSON.stringify(message.content).slice(0, 300)}`
}
