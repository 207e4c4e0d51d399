/** The files of a model by name, wherever they lie: a folder, a zip, a URL, a single ONNX file. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StreamError } from '../errors.ts'
import { unzip } from './zip.ts'

export interface ModelFiles {
  /** Last part of the place, without its ending. */
  readonly name: string
  /** Path of the file all begins with: `model.json`, or one that ends in `.onnx`. */
  readonly main: string
  /** Bytes of a file beside `main`. Rejects when it is not there. */
  read(path: string): Promise<Uint8Array>
}

/** A path, `file:PATH` or `file:///PATH`, `http(s)://…`. @throws StreamError MODEL_UNKNOWN, MODEL_INVALID */
export async function openModelFiles(place: string): Promise<ModelFiles> {
  return /^https?:\/\//.test(place) ? fromUrl(place) : fromDisk(pathOf(place), place)
}

export function pathOf(place: string): string {
  return resolve(place.startsWith('file://') ? fileURLToPath(place) : place.replace(/^file:/, ''))
}

function fromDisk(path: string, place: string): ModelFiles {
  if (!existsSync(path)) throw unknownPlace(place, nearbyModels(path))
  if (statSync(path).isDirectory()) {
    const main = ['model.json', ...readdirSync(path).filter(f => f.endsWith('.onnx'))].find(f =>
      existsSync(join(path, f)),
    )
    if (main === undefined)
      throw unknownPlace(place, `The folder holds ${readdirSync(path).slice(0, 8).join(', ') || 'nothing'}`)
    return { name: basename(path), main, read: async file => readFileSync(inside(path, file)) }
  }
  const name = basename(path).replace(/\.[^.]+$/, '')
  if (path.endsWith('.zip')) return fromZip(name, readFileSync(path), place)
  const folder = dirname(path)
  return {
    name: basename(path) === 'model.json' ? basename(folder) : name,
    main: basename(path),
    read: async file => readFileSync(inside(folder, file)),
  }
}

function fromZip(name: string, bytes: Uint8Array, place: string): ModelFiles {
  let files: Map<string, Uint8Array>
  try {
    files = unzip(bytes)
  } catch (error) {
    throw invalid(place, (error as Error).message)
  }
  const names = [...files.keys()]
  const main = names.find(f => basename(f) === 'model.json') ?? names.find(f => f.endsWith('.onnx'))
  if (main === undefined) throw unknownPlace(place, `The archive holds ${names.slice(0, 8).join(', ') || 'nothing'}`)
  const folder = dirname(main)
  return {
    name,
    main: basename(main),
    read: async file =>
      files.get(folder === '.' ? file : `${folder}/${file}`) ?? Promise.reject(new Error('it is not in the archive')),
  }
}

async function fromUrl(place: string): Promise<ModelFiles> {
  const url = new URL(place)
  const file = url.pathname.split('/').at(-1) ?? ''
  if (file.endsWith('.zip')) return fromZip(file.slice(0, -4), await download(url, place), place)
  const whole = file.endsWith('.json') || file.endsWith('.onnx')
  const main = whole ? file : 'model.json'
  const folder = new URL(whole ? './' : `${url.pathname.replace(/\/?$/, '/')}`, url)
  const parts = folder.pathname.split('/').filter(part => part !== '')
  const name = file.endsWith('.onnx') ? file.slice(0, -5) : (parts.at(-1) ?? 'model')
  return { name, main, read: async path => download(new URL(path, folder), place) }
}

async function download(url: URL, place: string): Promise<Uint8Array> {
  let response: Response
  try {
    response = await fetch(url)
  } catch (error) {
    throw new StreamError({
      code: 'CONNECTION_FAILED',
      message: `Cannot read model "${place}": ${url.host} does not answer`,
      detail: String((error as Error).cause ?? error),
      retriable: true,
    })
  }
  if (!response.ok) throw unknownPlace(place, `${url.pathname} gives HTTP status ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

/** A shard of a model lies beside it: a path that climbs out is none. */
function inside(folder: string, file: string): string {
  const path = resolve(folder, file)
  if (!path.startsWith(`${resolve(folder)}/`)) throw new Error('it lies outside of the folder of the model')
  return path
}

function nearbyModels(path: string): string | undefined {
  const folder = dirname(path)
  if (!existsSync(folder)) return `There is no folder ${folder}`
  const found = readdirSync(folder).filter(f => /\.(zip|onnx)$/.test(f) || existsSync(join(folder, f, 'model.json')))
  return found.length === 0 ? `No model lies in ${folder}` : `Models beside it: ${found.slice(0, 8).join(', ')}`
}

function unknownPlace(place: string, detail: string | undefined): StreamError {
  return new StreamError({
    code: 'MODEL_UNKNOWN',
    message: `Cannot read model "${place}": a folder with model.json, a .zip of one, an .onnx file or a URL is needed`,
    detail,
    hint: "await model('file:models/NAME')",
  })
}

export function invalid(place: string, why: string, hint?: string): StreamError {
  return new StreamError({
    code: 'MODEL_INVALID',
    message: `Cannot read model "${place}": ${why}`,
    hint: hint ?? 'Save the model again: tensorflowjs_converter, model.save, or await m.save(…)',
  })
}
