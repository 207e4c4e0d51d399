/**
 * A schema registry with Confluent's interface (Confluent, Apicurio's ccompat, Karapace, Redpanda) over HTTP. Schemas do not change
 * under their id, so they are kept for ever; everything else is asked each time. No answer takes longer than five seconds, and no
 * text of an error holds what was used to log in.
 */
import { StreamError } from '../errors.ts'
import { incompatibilities } from './compatibility.ts'
import { incompatible, noSchema, noSubject, noVersion } from './registry-errors.ts'
import { compatibilityModes } from '../schema-model.ts'
import type {
  CompatibilityMode,
  SchemaRef,
  SchemaRegistry,
  SchemaText,
  SchemaType,
  SchemaVersion,
} from '../schema-model.ts'

const limitMs = 4000
const mediaType = 'application/vnd.schemaregistry.v1+json'
const mostReferences = 100

export interface HttpRegistryOptions {
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly token?: string | undefined
}

interface Reference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** Where Apicurio has Confluent's interface. */
const apicurioPath = '/apis/ccompat/v7'

/**
 * Opens a registry and asks it once; a server that has Confluent's interface only where Apicurio has it is asked there.
 * Throws OPTION_INVALID, REGISTRY_UNREACHABLE, REGISTRY_REFUSED.
 */
export async function openRegistry(url: string, options: HttpRegistryOptions = {}): Promise<HttpRegistry> {
  const registry = new HttpRegistry(url, options)
  try {
    await registry.subjects()
    return registry
  } catch (error) {
    const silent = !(error instanceof StreamError) || error.code !== 'REGISTRY_UNREACHABLE' || error.retriable
    if (silent || new URL(registry.url).pathname !== '/') throw error
    const below = new HttpRegistry(registry.url + apicurioPath, options)
    // What is wrong with the address that was typed is what its user wants to hear.
    await below.subjects().catch(() => Promise.reject(error))
    return below
  }
}

export class HttpRegistry implements SchemaRegistry {
  readonly url: string
  readonly #authorization: string | undefined
  readonly #byRef = new Map<SchemaRef, Promise<SchemaText>>()

  constructor(url: string, options: HttpRegistryOptions = {}) {
    this.url = checkedUrl(url)
    const { user, password, token } = options
    if (token !== undefined) this.#authorization = `Bearer ${token}`
    else if (user !== undefined)
      this.#authorization = `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`
  }

  schema(ref: SchemaRef): Promise<SchemaText> {
    const known = this.#byRef.get(ref)
    if (known !== undefined) return known
    const asked = this.#schema(ref)
    this.#byRef.set(ref, asked)
    // Only answers are kept: a schema may be registered later, a server may come back.
    asked.catch(() => this.#byRef.delete(ref))
    return asked
  }

  async #schema(ref: SchemaRef): Promise<SchemaText> {
    const path = typeof ref === 'number' ? `/schemas/ids/${ref}` : `/schemas/guids/${encodeURIComponent(ref)}`
    const answer = await this.#ask('GET', path)
    if (answer.status === 404) throw noSchema(ref, this.url)
    return this.#textOf(this.#good(answer, `read schema ${ref}`))
  }

  async subjects(): Promise<string[]> {
    const answer = await this.#ask('GET', '/subjects')
    if (answer.status === 404) throw this.#notRegistry()
    const names = this.#good(answer, 'list subjects')
    if (!Array.isArray(names)) throw this.#notRegistry()
    return (names as unknown[]).map(String).sort()
  }

  async versions(subject: string): Promise<number[]> {
    const answer = await this.#ask('GET', `/subjects/${encodeURIComponent(subject)}/versions`)
    if (answer.status === 404) throw noSubject(subject, await this.subjects())
    return (this.#good(answer, `list versions of "${subject}"`) as unknown[]).map(Number).sort((a, b) => a - b)
  }

  async version(subject: string, version: number | 'latest'): Promise<SchemaVersion> {
    const answer = await this.#ask('GET', `/subjects/${encodeURIComponent(subject)}/versions/${version}`)
    if (answer.status === 404) throw noVersion(subject, version, await this.versions(subject))
    return this.#versionOf(this.#good(answer, `read version ${version} of "${subject}"`))
  }

  async register(subject: string, schema: SchemaText): Promise<SchemaVersion> {
    const answer = await this.#ask('POST', `/subjects/${encodeURIComponent(subject)}/versions`, bodyOf(schema))
    if (answer.status === 409) throw await this.#explained(subject, schema, answer.body)
    this.#good(answer, `register "${subject}"`)
    return this.lookup(subject, schema)
  }

  async lookup(subject: string, schema: SchemaText): Promise<SchemaVersion> {
    const answer = await this.#ask('POST', `/subjects/${encodeURIComponent(subject)}`, bodyOf(schema))
    if (answer.status === 404) {
      throw new StreamError({
        code: 'SCHEMA_UNKNOWN',
        message: `Cannot find schema: subject "${subject}" has no such version`,
        hint: `%schema list ${subject}`,
      })
    }
    const found = this.#good(answer, `find a schema of "${subject}"`) as Record<string, unknown>
    return this.#versionOf({ schema: schema.text, ...found })
  }

  async compatible(subject: string, schema: SchemaText, version: number | 'latest'): Promise<boolean> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions/${version}`
    const answer = await this.#ask('POST', path, bodyOf(schema))
    if (answer.status === 404) throw noVersion(subject, version, await this.versions(subject))
    const body = this.#good(answer, `check a schema of "${subject}"`) as { is_compatible?: unknown }
    return body.is_compatible === true
  }

  async mode(subject?: string): Promise<CompatibilityMode> {
    if (subject !== undefined) {
      const own = await this.#ask('GET', `/config/${encodeURIComponent(subject)}`)
      const mode = own.status === 404 ? undefined : modeOf(this.#good(own, `read the compatibility of "${subject}"`))
      // Apicurio says NONE of a subject that has no mode of its own, and goes by the one for all.
      if (mode !== undefined && !(mode === 'NONE' && this.url.includes('/apis/ccompat/'))) return mode
    }
    return modeOf(this.#good(await this.#ask('GET', '/config'), 'read the compatibility'))
  }

  async setMode(mode: CompatibilityMode, subject?: string): Promise<void> {
    const path = subject === undefined ? '/config' : `/config/${encodeURIComponent(subject)}`
    this.#good(await this.#ask('PUT', path, { compatibility: mode }), `set compatibility ${mode}`)
  }

  async delete(subject: string): Promise<number[]> {
    const answer = await this.#ask('DELETE', `/subjects/${encodeURIComponent(subject)}`)
    if (answer.status === 404) throw noSubject(subject, await this.subjects())
    return (this.#good(answer, `delete subject "${subject}"`) as unknown[]).map(Number)
  }

  /** Registries answer a refusal with a boolean or a paragraph: the reasons are our own. */
  async #explained(subject: string, schema: SchemaText, body: unknown): Promise<StreamError> {
    const mode = await this.mode(subject)
    const numbers = await this.versions(subject)
    const versions = await Promise.all(numbers.map(number => this.version(subject, number)))
    const reasons = incompatibilities(schema, versions, mode)
    if (reasons.length > 0) return incompatible(subject, mode, reasons)
    return incompatible(subject, mode, [
      { path: '', reason: `the registry says ${messageOf(body)}`, fix: `%schema diff ${subject}` },
    ])
  }

  async #textOf(body: unknown, inside = 0): Promise<SchemaText> {
    const { schema, schemaType, references } = body as Record<string, unknown>
    if (typeof schema !== 'string') throw this.#notRegistry()
    const type = (typeof schemaType === 'string' ? schemaType : 'AVRO') as SchemaType
    if (!Array.isArray(references) || references.length === 0) return { type, text: schema }
    if (inside > mostReferences) throw this.#refused('read schema', 'its references go round in circles')
    const texts: string[] = []
    for (const reference of references as Reference[]) {
      const path = `/subjects/${encodeURIComponent(reference.subject)}/versions/${reference.version}`
      const referred = await this.#textOf(
        this.#good(await this.#ask('GET', path), `read "${reference.subject}"`),
        inside + 1,
      )
      for (const text of [...(referred.references ?? []), referred.text]) if (!texts.includes(text)) texts.push(text)
    }
    return { type, text: schema, references: texts }
  }

  async #versionOf(body: unknown): Promise<SchemaVersion> {
    const { subject, version, id } = body as Record<string, unknown>
    return { ...(await this.#textOf(body)), subject: String(subject), version: Number(version), id: Number(id) }
  }

  async #ask(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    let answer: Response
    let text: string
    try {
      answer = await fetch(this.url + path, {
        method,
        headers: {
          accept: `${mediaType}, application/json`,
          ...(body === undefined ? undefined : { 'content-type': mediaType }),
          ...(this.#authorization === undefined ? undefined : { authorization: this.#authorization }),
        },
        ...(body === undefined ? undefined : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(limitMs),
        redirect: 'error',
      })
      text = await answer.text()
    } catch (cause) {
      throw this.#unreachable(cause)
    }
    if (answer.status === 401 || answer.status === 403) {
      throw new StreamError({
        code: 'REGISTRY_REFUSED',
        message: `Cannot use registry "${this.url}": it ${answer.status === 401 ? 'wants a user and a password, or they are wrong' : 'does not allow this'}`,
        hint: 'Set registryUser and registryPassword in a profile: %connect … --profile NAME',
      })
    }
    try {
      return { status: answer.status, body: JSON.parse(text) as unknown }
    } catch {
      // A 404 of a path a server does not have comes without a body.
      if (answer.status === 404 && path !== '/subjects') return { status: 404, body: undefined }
      throw this.#notRegistry()
    }
  }

  #good(answer: { status: number; body: unknown }, action: string): unknown {
    if (answer.status < 300) return answer.body
    throw this.#refused(action, messageOf(answer.body) ?? `HTTP ${answer.status}`)
  }

  #refused(action: string, reason: string): StreamError {
    return new StreamError({
      code: 'REGISTRY_REFUSED',
      message: `Cannot ${action}: the registry at "${this.url}" answers ${reason}`,
      hint: '%schema list shows what it has',
    })
  }

  #notRegistry(): StreamError {
    return new StreamError({
      code: 'REGISTRY_UNREACHABLE',
      message: `Cannot use registry "${this.url}": what answers there is no schema registry`,
      hint: "Check the path: Apicurio's is /apis/ccompat/v7, Confluent's has none",
    })
  }

  #unreachable(cause: unknown): StreamError {
    const code = codeOf(cause)
    const { hostname, port, protocol } = new URL(this.url)
    const at = port === '' ? (protocol === 'https:' ? '443' : '80') : port
    const why =
      code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? `host "${hostname}" is not known`
        : code === 'ECONNREFUSED'
          ? `nothing listens on port ${at} of host "${hostname}"`
          : cause instanceof Error && (cause.name === 'TimeoutError' || cause.name === 'AbortError')
            ? `host "${hostname}" does not answer on port ${at}`
            : /CERT|SSL|TLS|SIGNED/i.test(code)
              ? `the connection is not secure (${code})`
              : `the connection failed (${code === '' ? 'no reason given' : code})`
    return new StreamError({
      code: 'REGISTRY_UNREACHABLE',
      message: `Cannot reach registry "${this.url}": ${why}`,
      hint: 'Check that the registry runs and the URL: %connect … --registry http://localhost:8081',
      retriable: true,
      cause,
    })
  }
}

function bodyOf({ type, text }: SchemaText): object {
  return type === 'AVRO' ? { schema: text } : { schema: text, schemaType: type }
}

function modeOf(body: unknown): CompatibilityMode {
  const given = body as Record<string, unknown>
  const mode = given['compatibilityLevel'] ?? given['compatibility']
  return compatibilityModes.find(each => each === mode) ?? 'NONE'
}

/** Short, and only what stands in brackets where a server sends its own class names. */
function messageOf(body: unknown): string | undefined {
  const { message } = (body ?? {}) as Record<string, unknown>
  if (typeof message !== 'string') return undefined
  const list = /list of diff types: (\[[^]*\])/.exec(message)?.[1]
  const text = (list ?? message).replace(/^[\w.$]+(?:Exception|Error): /, '')
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

function codeOf(error: unknown): string {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { code, errors } = at as { code?: unknown; errors?: unknown }
    if (typeof code === 'string') return code
    if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0])
  }
  return ''
}

function checkedUrl(url: string): string {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    throw notUrl(url)
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') throw notUrl(url)
  if (parsed.username !== '' || parsed.password !== '') {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: 'Cannot use registry: the URL holds a user name or password, which a notebook would keep',
      hint: 'Set registryUser and registryPassword in a profile: %connect … --profile NAME',
    })
  }
  return `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '')
}

function notUrl(url: string): StreamError {
  return new StreamError({
    code: 'OPTION_INVALID',
    message: `Cannot use registry "${url.replace(/\/\/[^@/]*@/, '//')}": it is no URL`,
    hint: '%connect … --registry http://localhost:8081',
  })
}
