/** The trainings of one runtime: one per model name, the newest wins. */
import { StreamError } from '../errors.ts'
import type { RowSource } from '../targets/runtime.ts'
import type { TrainSpec } from './spec.ts'
import { Training } from './training.ts'
import type { TrainingAround } from './training.ts'

/** Rows a model is trained on again at most, when its first training had no bound of its own. */
const mostAgain = 10_000

interface Known {
  readonly spec: TrainSpec
  readonly start: StartTraining
  rounds: number
  /** It begins anew: another wish meanwhile is the same one. */
  beginning: boolean
}

/** What a training needs of who runs streams: the rows of its slice, and where it tells. @throws StreamError OPTION_INVALID */
export type StartTraining = (spec: TrainSpec) => {
  readonly source: () => RowSource
  readonly around: TrainingAround
}

export class Trainings {
  private readonly running = new Map<string, Training>()
  private readonly known = new Map<string, Known>()

  /** @throws StreamError OPTION_INVALID when the stream has not the slice */
  async begin(spec: TrainSpec, start: StartTraining): Promise<void> {
    const { source, around } = start(spec)
    this.known.set(spec.name, { spec, start, rounds: 1, beginning: false })
    await this.run(spec, source, around)
  }

  /**
   * The training of that name once more, on the newest rows; who scores goes on with the model there is until it is over. Nothing happens while one
   * is under way.
   *
   * @throws StreamError MODEL_UNKNOWN, OPTION_INVALID
   */
  async retrain(name: string): Promise<void> {
    const known = this.known.get(name)
    if (known === undefined)
      throw new StreamError({
        code: 'MODEL_UNKNOWN',
        message: `Cannot train model "${name}" again: it was not trained here`,
        hint: `%%train STREAM --as ${name}`,
      })
    if (known.beginning || this.running.get(name)?.over === false) return
    const rows = Math.min(known.spec.rows, mostAgain)
    const spec = {
      ...known.spec,
      rows,
      slice: { from: `-${rows}`, to: 'latest' },
      curve: `${known.spec.curve}-${known.rounds + 1}`,
    }
    known.beginning = true
    try {
      const { source, around } = known.start(spec)
      known.rounds++
      await this.run(spec, source, around)
    } finally {
      known.beginning = false
    }
  }

  private async run(spec: TrainSpec, source: () => RowSource, around: TrainingAround): Promise<void> {
    // At once: a stream that starts next waits for this training.
    around.models.progress(spec.name, { epoch: 0, epochs: spec.epochs })
    const before = this.running.get(spec.name)
    this.running.delete(spec.name)
    await before?.abandon()
    this.running.set(spec.name, new Training(spec, source(), around))
  }

  /** One by its name, or all; who is over already stays so. Gives the names of those that ran. */
  async stop(name?: string): Promise<string[]> {
    const ended = [...this.running.values()].filter(t => !t.over && (name === undefined || t.spec.name === name))
    await Promise.all(ended.map(training => training.stop()))
    return ended.map(training => training.spec.name)
  }
}
