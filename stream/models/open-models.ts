/**
 * The models one running plan scores with, open. A model is opened aside and put in the place of the old one between two events, so
 * that every row has its score from one whole model.
 */
import type { PlanNode } from '../plan.ts'
import type { ModelArtifact } from './artifact.ts'
import { openModel } from './open-model.ts'
import type { EngineChoice } from './open-model.ts'
import type { Predictor } from './predictor.ts'

/** A model as an operator scores with it. */
export interface ScoringModel {
  readonly artifact: ModelArtifact
  readonly predictor: Predictor
}

export class OpenModels {
  private readonly models = new Map<string, ScoringModel>()
  private readonly engines: ReadonlyMap<string, EngineChoice>
  private closed = false
  /** Models are opened one after the other: a quick one must not be overtaken by the one before it. */
  private last: Promise<unknown> = Promise.resolve()

  constructor(plan: PlanNode) {
    this.engines = enginesIn(plan)
  }

  get(name: string): ScoringModel | undefined {
    return this.models.get(name)
  }

  /** Opens the model and puts it in force. Resolves with it, or with undefined when the plan does not use it. */
  put(artifact: ModelArtifact): Promise<ScoringModel | undefined> {
    const opened = this.last.then(() => this.open(artifact))
    this.last = opened.catch(() => {})
    return opened
  }

  private async open(artifact: ModelArtifact): Promise<ScoringModel | undefined> {
    const engine = this.engines.get(artifact.name)
    if (engine === undefined || this.closed) return undefined
    const predictor = await openModel(artifact, engine)
    if (this.closed) {
      predictor.close()
      return undefined
    }
    const before = this.models.get(artifact.name)
    const model = { artifact, predictor }
    this.models.set(artifact.name, model)
    before?.predictor.close()
    return model
  }

  close(): void {
    this.closed = true
    for (const { predictor } of this.models.values()) predictor.close()
    this.models.clear()
  }
}

function enginesIn(plan: PlanNode): Map<string, EngineChoice> {
  const engines = new Map<string, EngineChoice>()
  const visit = (node: PlanNode): void => {
    if (node.op === 'score' && node.options.model !== undefined)
      engines.set(node.options.model.name, node.options.model.engine)
    if ('input' in node) visit(node.input)
    if ('left' in node) {
      visit(node.left)
      visit(node.right)
    }
  }
  visit(plan)
  return engines
}
