import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ModelTable } from '../models/model-table.ts'
import type { ModelArtifact } from '../models/artifact.ts'
import type { TrainSpec } from './spec.ts'
import { Trainings } from './trainings.ts'

const SPEC: TrainSpec = {
  name: 'normal',
  features: ['v'],
  layers: [{ units: 1, activation: 'linear' }],
  rows: 50,
  epochs: 1,
  batch: 8,
  rate: 0.01,
  validation: 0,
  seed: 1,
  curve: 'curve',
}

const MODEL: ModelArtifact = {
  name: 'normal',
  version: 1,
  format: 'layers',
  weightSpecs: [],
  weights: new Uint8Array(),
  notices: [],
}

/** Trainings whose rows never come, until they are closed. */
function bench() {
  const begun: TrainSpec[] = []
  const models = new ModelTable()
  const trainings = new Trainings()
  const start = (spec: TrainSpec) => {
    begun.push(spec)
    let close = () => {}
    const closed = new Promise<null>(resolve => (close = () => resolve(null)))
    return {
      source: () => ({ next: () => closed, close: async () => close() }),
      around: { models, epoch: async () => {}, over: async () => {}, tell() {} },
    }
  }
  return { begun, models, trainings, begin: () => trainings.begin(SPEC, start) }
}

test('who is asked twice learns once: while it begins, and while it runs', async () => {
  const { begun, trainings, begin } = bench()
  await begin()
  await trainings.retrain('normal')
  assert.equal(begun.length, 1)
  await trainings.stop()
  await Promise.all([trainings.retrain('normal'), trainings.retrain('normal')])
  await trainings.retrain('normal')
  assert.deepEqual(
    begun.map(({ curve }) => curve),
    ['curve', 'curve-2'],
  )
  assert.deepEqual(begun[1]?.slice, { from: '-50', to: 'latest' })
  assert.deepEqual(await trainings.stop(), ['normal'])
})

test('a model stands as trained here once it is there; one from a file of its name does not', async () => {
  const { models, trainings, begin } = bench()
  await models.define(MODEL)
  assert.equal(models.standing('normal'), undefined)
  await begin()
  await models.define(MODEL, true)
  await trainings.stop()
  assert.deepEqual(models.standing('normal'), {
    version: 2,
    training: false,
    problem: 'Cannot train model "normal": the training was stopped before its first epoch ended (Run its cell again)',
  })
  await trainings.retrain('normal')
  assert.deepEqual(models.standing('normal'), { version: 2, training: true, problem: null })
  await trainings.stop()
  await models.define(MODEL)
  assert.equal(models.standing('normal'), undefined)
})
