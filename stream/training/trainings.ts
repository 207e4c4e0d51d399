/** The trainings of one runtime: one per model name, the newest wins. */
import type { RowSource } from '../targets/runtime.ts'
import type { TrainSpec } from './spec.ts'
import { Training } from './training.ts'
import type { TrainingAround } from './training.ts'

export class Trainings {
  private readonly running = new Map<string, Training>()

  async begin(spec: TrainSpec, source: () => RowSource, around: TrainingAround): Promise<void> {
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
