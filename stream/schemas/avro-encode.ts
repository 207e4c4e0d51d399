/** JavaScript values to Avro bytes. A value that does not fit is told with the path of its field, before anything is sent. */
import { Buffer } from 'node:buffer'
import { toLogical } from './avro-logical.ts'
import { branchName, bucketOf, isWrapped, shortName } from './avro-schema.ts'
import { defaultOf, told } from './avro-decode.ts'
import type { AvroNode, FixedNode, RecordNode, UnionNode } from './avro-schema.ts'

/** Why a value cannot be written: where, what it is, what is needed. */
export class AvroMisfit extends Error {
  override readonly name = 'AvroMisfit'
}

type Write = (out: AvroOutput, value: unknown, path: string) => void

/** Encodes one value. Throws AvroMisfit. */
export type AvroEncoder = (value: unknown) => Uint8Array

export function avroEncoder(schema: AvroNode): AvroEncoder {
  const write = new Writers().writer(schema)
  // One buffer for all rows: what is given away is a copy.
  const out = new AvroOutput()
  return value => {
    out.clear()
    write(out, value, '')
    return out.taken()
  }
}

class AvroOutput {
  #bytes = Buffer.allocUnsafe(256)
  #at = 0

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  long(value: number | bigint): void {
    if (typeof value === 'number' && Math.abs(value) < 1073741824) {
      let zigzag = value < 0 ? -2 * value - 1 : 2 * value
      for (; zigzag > 127; zigzag >>>= 7) this.byte((zigzag & 127) | 128)
      this.byte(zigzag)
      return
    }
    const wide = BigInt(value)
    let zigzag = wide < 0n ? -2n * wide - 1n : 2n * wide
    for (; zigzag > 127n; zigzag >>= 7n) this.byte(Number(zigzag & 127n) | 128)
    this.byte(Number(zigzag))
  }

  float(value: number): void {
    this.#room(4)
    this.#at = this.#bytes.writeFloatLE(value, this.#at)
  }

  double(value: number): void {
    this.#room(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  string(value: string): void {
    const length = Buffer.byteLength(value)
    this.long(length)
    this.#room(length)
    this.#at += this.#bytes.write(value, this.#at)
  }

  fixed(value: Uint8Array): void {
    this.#room(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  clear(): void {
    this.#at = 0
  }

  taken(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#at))
  }

  #room(size: number): void {
    if (this.#at + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + size))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

class Writers {
  readonly #records = new Map<RecordNode, Write>()

  writer(node: AvroNode): Write {
    const { logical } = node as FixedNode
    const write = this.#plain(node)
    if (logical === undefined) return write
    const size = node.kind === 'fixed' ? node.size : undefined
    return (out, value, path) => {
      const raw = toLogical(logical, value, size)
      if (raw === undefined) throw misfit(path, value, logical.kind)
      write(out, raw, path)
    }
  }

  #plain(node: AvroNode): Write {
    switch (node.kind) {
      case 'null':
        return (_out, value, path) => need(value === null || value === undefined, path, value, node)
      case 'boolean':
        return (out, value, path) => {
          need(typeof value === 'boolean', path, value, node)
          out.byte(value === true ? 1 : 0)
        }
      case 'int':
      case 'long':
        return (out, value, path) => {
          need(fitsInteger(value, node.kind === 'int' ? 31n : 63n), path, value, node)
          out.long(value as number | bigint)
        }
      case 'float':
      case 'double':
        return (out, value, path) => {
          const number = typeof value === 'bigint' ? Number(value) : value
          need(typeof number === 'number', path, value, node)
          if (node.kind === 'float') out.float(number as number)
          else out.double(number as number)
        }
      case 'string':
        return (out, value, path) => {
          need(typeof value === 'string', path, value, node)
          out.string(value as string)
        }
      case 'bytes':
        return (out, value, path) => {
          need(value instanceof Uint8Array, path, value, node)
          out.long((value as Uint8Array).length)
          out.fixed(value as Uint8Array)
        }
      case 'fixed':
        return (out, value, path) => {
          need(value instanceof Uint8Array && value.length === node.size, path, value, node)
          out.fixed(value as Uint8Array)
        }
      case 'enum':
        return (out, value, path) => {
          const index = node.symbols.indexOf(value as string)
          if (index < 0) throw misfit(path, value, `one of ${node.symbols.join(', ')}`)
          out.long(index)
        }
      case 'array': {
        const item = this.writer(node.items)
        return (out, value, path) => {
          const items =
            ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as Float64Array) : value
          need(Array.isArray(items), path, value, node)
          const list = items as unknown[]
          if (list.length > 0) out.long(list.length)
          list.forEach((each, i) => item(out, each, `${path}[${i}]`))
          out.long(0)
        }
      }
      case 'map': {
        const write = this.writer(node.values)
        return (out, value, path) => {
          need(isObject(value), path, value, node)
          const entries = value instanceof Map ? [...(value as Map<string, unknown>)] : Object.entries(value as object)
          if (entries.length > 0) out.long(entries.length)
          for (const [name, each] of entries) {
            out.string(String(name))
            write(out, each, join(path, String(name)))
          }
          out.long(0)
        }
      }
      case 'record':
        return this.#record(node)
      case 'union':
        return this.#union(node)
    }
  }

  #record(node: RecordNode): Write {
    const known = this.#records.get(node)
    if (known !== undefined) return known
    let fields: { name: string; write: Write; fallback: (() => unknown) | undefined }[] = []
    const write: Write = (out, value, path) => {
      need(isObject(value) && !(value instanceof Map), path, value, node)
      const row = value as Record<string, unknown>
      for (const field of fields) {
        const given = Object.hasOwn(row, field.name) ? row[field.name] : undefined
        field.write(out, given === undefined ? field.fallback?.() : given, join(path, field.name))
      }
    }
    this.#records.set(node, write)
    fields = node.fields.map(({ name, type, default: own }) => ({
      name,
      write: this.writer(type),
      fallback: own === undefined ? undefined : defaultOf(type, own.json),
    }))
    return write
  }

  #union(node: UnionNode): Write {
    const writers = node.branches.map(branch => this.writer(branch))
    const nothing = node.branches.findIndex(branch => branch.kind === 'null')
    const wrapped = isWrapped(node)
    const names = node.branches.map(branchName)
    return (out, value, path) => {
      if (value === null || value === undefined) {
        if (nothing < 0) throw misfit(path, value, told(node))
        return out.long(nothing)
      }
      const name = wrapped ? onlyKey(value) : undefined
      let index = name === undefined ? -1 : names.findIndex(each => each === name || shortName(each) === name)
      const inner = index < 0 ? value : (value as Record<string, unknown>)[name!]
      if (index < 0) index = firstFitting(node, value)
      if (index < 0) throw misfit(path, value, told(node))
      out.long(index)
      writers[index]!(out, inner, path)
    }
  }
}

/** The first branch that looks like the value, so that `{ long: 1 }` and 1 may both be written. */
function firstFitting(node: UnionNode, value: unknown): number {
  const looks = looksLike(value)
  const candidates = node.branches
    .map((branch, i) => ({ branch, i }))
    .filter(({ branch }) => looks.has(bucketOf(branch)))
  const integer = Number.isInteger(value) || typeof value === 'bigint'
  const fitting = candidates.find(({ branch }) => {
    if (branch.kind === 'int') return fitsInteger(value, 31n)
    if (branch.kind === 'long')
      return (branch.logical !== undefined && value instanceof Date) || (integer && fitsInteger(value, 63n))
    if (branch.kind === 'enum') return branch.symbols.includes(value as string)
    if (branch.kind === 'fixed' && branch.logical === undefined) return (value as Uint8Array).length === branch.size
    if (branch.kind === 'record')
      return branch.fields.every(({ name, default: own }) => own !== undefined || Object.hasOwn(value as object, name))
    return true
  })
  return fitting?.i ?? -1
}

function looksLike(value: unknown): Set<string> {
  if (value instanceof Uint8Array) return new Set(['bytes'])
  if (value instanceof Date) return new Set(['date', 'number'])
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return new Set(['array'])
  if (typeof value === 'bigint') return new Set(['number'])
  if (typeof value === 'string') return new Set(['string'])
  return new Set([typeof value])
}

function onlyKey(value: unknown): string | undefined {
  if (!isObject(value)) return undefined
  const keys = Object.keys(value as object)
  return keys.length === 1 ? keys[0] : undefined
}

function fitsInteger(value: unknown, bits: bigint): boolean {
  if (typeof value === 'number')
    return (
      Number.isInteger(value) &&
      (bits === 63n ? Math.abs(value) < 2 ** 63 : value >= -2147483648 && value <= 2147483647)
    )
  return typeof value === 'bigint' && value >= -(1n << bits) && value < 1n << bits
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

function need(holds: boolean, path: string, value: unknown, node: AvroNode): void {
  if (!holds) throw misfit(path, value, told(node))
}

function misfit(path: string, value: unknown, needed: string): AvroMisfit {
  return new AvroMisfit(`${path === '' ? 'the row' : `field ${path}`} is ${shown(value)}, ${needed} is needed`)
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (value instanceof Date) return 'a Date'
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object'
  const text = JSON.stringify(value) ?? String(value as symbol)
  return `${text.length > 40 ? `${text.slice(0, 40)}…` : text} (${typeof value})`
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
