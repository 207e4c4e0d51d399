/**
 * The checkpoints of one notebook or program: a folder with the two newest of each name. The newest that can be read counts;
 * one that cannot is told, and the one before it takes its place.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StreamError } from '../errors.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint-file.ts'
import type { CheckpointParts } from './checkpoint-file.ts'

const KEPT = 2
const ENDING = '.checkpoint'

export interface StoredCheckpoint extends CheckpointParts {
  /** Counts up for each name. */
  readonly number: number
}

export class CheckpointStore {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /** Writes checkpoint `number` of `name`, then lets go of all but it and the one before. Resolves with its size in bytes. */
  async write(name: string, number: number, parts: CheckpointParts): Promise<number> {
    const size = await writeCheckpoint(this.path(name, number), parts)
    const numbers = await this.numbers(name)
    // A higher number was left by somebody who counted from elsewhere: a sink of the same name on a cluster that is gone.
    const kept = numbers.filter(each => each <= number).slice(0, KEPT)
    const old = numbers.filter(each => !kept.includes(each))
    await Promise.all(old.map(each => rm(this.path(name, each), { force: true })))
    return size
  }

  /** The newest checkpoint that is whole, or none; `told` hears of each that is not. */
  async newest(name: string, told: (error: StreamError) => void): Promise<StoredCheckpoint | undefined> {
    for (const number of await this.numbers(name)) {
      const found = await this.read(name, number).catch((error: unknown) => {
        if (!(error instanceof StreamError)) throw error
        told(error)
        return undefined
      })
      if (found !== undefined) return found
    }
    return undefined
  }

  /** @throws StreamError CHECKPOINT_INVALID */
  async read(name: string, number: number): Promise<StoredCheckpoint> {
    return { number, ...(await readCheckpoint(this.path(name, number))) }
  }

  /** Numbers of a name's checkpoints, newest first. */
  async numbers(name: string): Promise<number[]> {
    const start = `${fileName(name)}.`
    const numbers: number[] = []
    for (const file of await this.files()) {
      if (!file.startsWith(start) || !file.endsWith(ENDING)) continue
      const number = file.slice(start.length, -ENDING.length)
      if (/^\d+$/.test(number)) numbers.push(Number(number))
    }
    return numbers.sort((a, b) => b - a)
  }

  async remove(name: string): Promise<void> {
    const numbers = await this.numbers(name)
    await Promise.all(numbers.map(number => rm(this.path(name, number), { force: true })))
  }

  private path(name: string, number: number): string {
    return join(this.folder, `${fileName(name)}.${number}${ENDING}`)
  }

  private async files(): Promise<string[]> {
    try {
      return await readdir(this.folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }
}

/** Names are the user's: whatever a file system does not take is written as %XX, and the dot too, which ends the name. */
const fileName = (name: string): string =>
  encodeURIComponent(name).replace(/[.*'()!~]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
