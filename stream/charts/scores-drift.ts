/**
 * What is said of a change of the scores, and whether "Retrain?" is asked. A detector learns with every row and a model from a file cannot learn here:
 * only a model that this notebook has trained is asked for.
 */
import type { ScoresStatus } from './protocol.ts'
import { clock } from './ruler.ts'

export interface DriftTold {
  /** Empty: nothing is to be said. */
  readonly text: string
  /** Null: no button. `busy`: it learns already. */
  readonly button: { readonly text: string; readonly says: string; readonly busy: boolean } | null
}

/** `drifts` in the order of time; `live`: the stream runs, so a new version would be used. */
export function driftTold(
  drifts: readonly { readonly atMs: number }[],
  status: ScoresStatus,
  live: boolean,
): DriftTold {
  const { model, trained } = status
  const atMs = drifts.at(-1)?.atMs
  const changed = atMs === undefined ? '' : `The scores have changed at ${clock(atMs)}`
  if (model === undefined || trained === undefined) {
    const then = model === undefined ? 'the detector goes on learning' : `${model} may want to be trained again`
    return { text: changed === '' ? '' : `${changed}: ${then}.`, button: null }
  }
  const { version, training, problem, sinceMs } = trained
  if (training && live)
    return {
      text: `${model} learns again; its version ${version} scores meanwhile.`,
      button: { text: 'Retraining …', says: `Retraining … ${model} learns from its newest rows`, busy: true },
    }
  const asked = atMs !== undefined && (sinceMs === null || atMs > sinceMs)
  const texts = [
    asked ? `${changed}: ${model}, version ${version}, may want to be trained again.` : '',
    !asked && version > 1 ? `Scored by ${model}, version ${version}.` : '',
    problem ?? '',
  ]
  return {
    text: texts.filter(text => text !== '').join(' '),
    button:
      asked && live ? { text: 'Retrain?', says: `Retrain? ${model} learns from its newest rows`, busy: false } : null,
  }
}
