/** The connection file: where Jupyter wants the five sockets, and the key that signs messages. */
import { readFileSync } from 'node:fs'

export interface Connection {
  readonly transport: 'tcp' | 'ipc'
  readonly ip: string
  /** Empty: messages are not signed. Never logged, never passed to a child. */
  readonly key: string
  readonly ports: Readonly<Record<SocketName, number>>
  readonly curve: { readonly publicKey: string; readonly secretKey: string } | undefined
}

export type SocketName = 'shell' | 'control' | 'stdin' | 'iopub' | 'hb'

export function readConnection(path: string): Connection {
  const fields = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  const scheme = fields['signature_scheme']
  if (typeof scheme === 'string' && scheme !== '' && scheme !== 'hmac-sha256') {
    throw new Error(`Cannot read connection file: signature scheme "${scheme}" is not hmac-sha256`)
  }
  const transport = fields['transport'] ?? 'tcp'
  if (transport !== 'tcp' && transport !== 'ipc') {
    throw new Error(`Cannot read connection file: transport "${String(transport)}" is neither tcp nor ipc`)
  }
  const port = (name: SocketName): number => {
    const value = fields[`${name}_port`]
    if (typeof value !== 'number') throw new Error(`Cannot read connection file: ${name}_port is missing`)
    return value
  }
  const text = (name: string): string => (typeof fields[name] === 'string' ? (fields[name] as string) : '')
  const secretKey = text('curve_secretkey')
  return {
    transport,
    ip: text('ip') || '127.0.0.1',
    key: text('key'),
    ports: {
      shell: port('shell'),
      control: port('control'),
      stdin: port('stdin'),
      iopub: port('iopub'),
      hb: port('hb'),
    },
    curve: secretKey === '' ? undefined : { publicKey: text('curve_publickey'), secretKey },
  }
}

/** Bind address; ipc joins path and port with a dash (a colon is what other kernels got wrong), IPv6 needs brackets. */
export function addressOf(connection: Connection, name: SocketName): string {
  const port = connection.ports[name]
  if (connection.transport === 'ipc') return `ipc://${connection.ip}-${port}`
  const host = connection.ip.includes(':') && !connection.ip.startsWith('[') ? `[${connection.ip}]` : connection.ip
  return `tcp://${host}:${port}`
}
