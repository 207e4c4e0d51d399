/** The models of one runtime by name: which one is in force, which is in training, who waits for it. */
import { StreamError } from '../errors.ts'
import type { StreamErrorParts } from '../errors.ts'
import type { ModelStanding } from '../model.ts'
import type { PlanNode } from '../plan.ts'
import type { ModelArtifact } from './artifact.ts'

export interface TrainingProgress {
  readonly epoch: number
  readonly epochs: number
}

interface Entry {
  current: ModelArtifact | undefined
  /** The current one was trained here, so it can be trained again. */
  trained: boolean
  training: TrainingProgress | undefined
  /** Resolves when all who listen have the current one. */
  taken: Promise<unknown>
  /** Why the last training gave no model. */
  error: StreamErrorParts | undefined
}

export interface ModelListener {
  /** Another model is in force under the name. */
  onModel(artifact: ModelArtifact): Promise<void> | void
  /** Who waits for the name waits in vain. */
  onFailure(name: string, error: StreamErrorParts): void
}

export class ModelTable {
  private readonly entries = new Map<string, Entry>()
  private readonly listeners = new Set<ModelListener>()

  /** Puts a model in force; its version is one more than that of the last of its name. Resolves when all who listen have it. */
  async define(artifact: ModelArtifact, trained = false): Promise<void> {
    const entry = this.entry(artifact.name)
    const versioned = { ...artifact, version: (entry.current?.version ?? 0) + 1 }
    entry.current = versioned
    entry.trained = trained
    entry.training = undefined
    entry.error = undefined
    const taken = Promise.all([...this.listeners].map(async listener => listener.onModel(versioned)))
    entry.taken = taken.catch(() => {})
    await taken
  }

  progress(name: string, progress: TrainingProgress): void {
    this.entry(name).training = progress
  }

  /** A training ended without a model: the one before stays in force. */
  fail(name: string, error: StreamErrorParts): void {
    const entry = this.entry(name)
    entry.training = undefined
    entry.error = error
    for (const listener of this.listeners) listener.onFailure(name, error)
  }

  /** What a stream that starts now scores with; undefined while it is in training. @throws StreamError MODEL_UNKNOWN, TRAINING_FAILED */
  now(name: string): ModelArtifact | undefined {
    const entry = this.entries.get(name)
    if (entry?.training !== undefined) return undefined
    if (entry?.current !== undefined) return entry.current
    if (entry?.error !== undefined) throw StreamError.from(entry.error)
    const names = [...this.entries.keys()]
    throw new StreamError({
      code: 'MODEL_UNKNOWN',
      message: `Cannot find model "${name}": ${names.length === 0 ? 'none is loaded' : `there are ${names.join(', ')}`}`,
      hint: `const ${/^\w+$/.test(name) ? name : 'm'} = await model('file:models/${name}')`,
    })
  }

  /** How a model stands, for who shows it; undefined when it was not trained here or is not there yet. */
  standing(name: string): ModelStanding | undefined {
    const entry = this.entries.get(name)
    if (entry?.current === undefined || !entry.trained) return undefined
    const { current, training, error } = entry
    const why = error === undefined ? null : `${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`
    return {
      version: current.version,
      training: training !== undefined,
      problem: training === undefined ? why : null,
    }
  }

  /** The model of the name, once its training is over and streams score with it. */
  async ready(name: string): Promise<ModelArtifact> {
    const model = this.now(name) ?? (await this.next(name))
    await this.entry(name).taken
    return model
  }

  private next(name: string): Promise<ModelArtifact> {
    return new Promise((resolve, reject) => {
      const settle = (f: () => void) => {
        off()
        f()
      }
      const off = this.listen({
        onModel: artifact => {
          if (artifact.name === name) settle(() => resolve(artifact))
        },
        onFailure: (failed, error) => {
          if (failed === name) settle(() => reject(StreamError.from(error)))
        },
      })
    })
  }

  listen(listener: ModelListener): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  private entry(name: string): Entry {
    let entry = this.entries.get(name)
    if (entry === undefined) {
      entry = { current: undefined, trained: false, training: undefined, taken: Promise.resolve(), error: undefined }
      this.entries.set(name, entry)
    }
    return entry
  }
}

/** Names of the models a plan scores with, each once. */
export function modelsIn(plan: PlanNode): string[] {
  const names = new Set<string>()
  const visit = (node: PlanNode): void => {
    if (node.op === 'score' && node.options.model !== undefined) names.add(node.options.model.name)
    if ('input' in node) visit(node.input)
    if ('left' in node) {
      visit(node.left)
      visit(node.right)
    }
  }
  visit(plan)
  return [...names]
}
