/** `%%score STREAM`: each row with its score by a detector that learns as it goes. */
import { detectorNames } from '../stream/scoring/detectors/index.ts'
import { expressionBody, fieldList, join, objectOf, optionCode, further } from './code.ts'
import {
  defineMagic,
  type HeaderValue,
  type MagicDefinition,
  type Piece,
  type Section,
  type SectionContext,
} from './define.ts'
import { fieldPlaces } from './fields.ts'
import { quote } from './values.ts'

export const score: MagicDefinition = defineMagic({
  name: 'score',
  kind: 'cell',
  summary: 'Scores each row of a stream: by a detector that learns from the rows before it, or by a model.',
  positionals: [
    {
      name: 'STREAM',
      type: 'stream',
      required: false,
      summary: 'A stream; without it the section continues the one above.',
    },
  ],
  options: [
    {
      name: 'features',
      type: 'fields',
      ofInput: true,
      summary: 'Fields with the numbers that are scored; several are scored together.',
      example: 'temp,vibration',
    },
    {
      name: 'detector',
      type: 'choice',
      choices: detectorNames,
      summary: 'Which detector; range is the honest baseline, without any model.',
      default: 'auto',
    },
    {
      name: 'model',
      type: 'text',
      summary: 'A model instead of a detector: its variable, or a folder, zip, .onnx file or URL.',
      example: 'normal|file:models/autoencoder',
    },
    {
      name: 'batch',
      type: 'integer',
      summary: 'Rows of one call to the model at most.',
      default: '256 at first, more while more have come',
      example: '256',
    },
    {
      name: 'max-wait',
      type: 'duration',
      summary: 'A row waits no longer for the others of its call: a slow model gets fewer rows at a time.',
      default: '20ms',
      example: '20ms',
    },
    {
      name: 'engine',
      type: 'choice',
      choices: ['auto', 'tensorflow'],
      summary: 'Code of its own for a plain dense model (auto), or never (tensorflow).',
      default: 'auto',
    },
    {
      name: 'backend',
      type: 'choice',
      choices: ['wasm', 'cpu'],
      summary: 'Of TensorFlow.js; with one the model never becomes code of its own.',
      default: 'wasm where it can run the model, else cpu',
      example: 'cpu',
    },
    {
      name: 'threshold',
      type: 'text',
      summary: 'From which score on a row is anomalous: a value, a rarity, or a param that is followed live.',
      default: "the detector's own",
      example: '0.9|1/1000|{limit}',
      check: wrongThreshold,
    },
    {
      name: 'by',
      type: 'fields',
      ofInput: true,
      summary: 'Key fields: a detector for each of their values.',
      example: 'machineId',
    },
    {
      name: 'warm-up',
      type: 'integer',
      summary: 'Rows of a key that only train.',
      default: '750 with one feature, 400 with several',
      example: '200',
    },
    { name: 'seed', type: 'integer', summary: 'The same seed gives the same scores.', default: '1', example: '7' },
    {
      name: 'period',
      type: 'integer',
      summary: 'Rows of one season; without it the warm-up shows it.',
      example: '288',
    },
    {
      name: 'episode',
      type: 'integer',
      summary: 'Rows for which an alert silences smaller ones.',
      default: 'a fifth of the warm-up with one feature, 0 with several',
      example: '30',
    },
    {
      name: 'labels',
      type: 'field',
      ofInput: true,
      summary: 'Field that says whether a row truly is an anomaly; kept as score.label, for %nab.',
      example: 'anomaly',
    },
    { name: 'as', type: 'name', summary: 'Name of the result.', example: 'scored' },
  ],
  body: {
    required: false,
    summary: 'a lambda from event and score to a row; without it the event with a column score',
  },
  examples: [
    {
      text: '%%score sensors --features temp,vibration --by machineId --as scored',
      says: 'Temperature and vibration together, a detector for each machine.',
    },
    {
      text: '%%score sensors --detector half-space-trees --features temp,vibration --threshold 0.9 --as scored',
      says: 'Half-space trees; a row from 0.9 on is anomalous.',
    },
    {
      text: '%%score sensors --model normal --as scored',
      says: 'By a model of %%train; the fields are those it was trained on. When its scores change, its chart asks: Retrain?',
    },
    {
      text: '%%score sensors --model file:models/autoencoder --features temp,vibration --threshold {limit}',
      says: 'By a TensorFlow.js model from a folder; the threshold follows a param.',
    },
    {
      text: '%%score sensors --features temp --threshold 1/1000\n(event, score) => ({ at: event.measuredAt, oneIn: score.oneIn })',
      says: 'Scores as rare as one in a thousand are anomalous; rows of your own.',
    },
  ],
  glossary: 'Flink: ML_PREDICT · Kafka Streams: a ValueTransformer with a model · Beam: ml.anomaly AnomalyDetection',
  step: { suffix: 'Score' },
  expand: (section, context: SectionContext) => {
    const features = section.options.get('features')?.[0]
    const model = section.options.get('model')?.[0]
    if (model !== undefined) refuseDetectorOptions(section, context)
    else refuseModelOptions(section, context)
    if (features === undefined && model === undefined)
      context.fail('%%score does not say which fields it scores', section.header, '--features a,b')
    const by = section.options.get('by')?.[0]
    const body = expressionBody(section, context)
    const pieces: Piece[] = []
    if (by !== undefined) pieces.push({ code: '\n  .keyBy(' }, ...keyPieces(by, context), { code: ')' })
    const scorer = model === undefined ? detectorCode(section, context) : modelCode(model, context)
    pieces.push({ code: '\n  .score(' }, ...scorer, { code: ', ' })
    pieces.push(...settingsCode(section, context, features))
    if (body !== undefined) pieces.push({ code: ', ' }, ...context.verbatim(body.span))
    pieces.push({ code: ')' })
    return { pieces }
  },
})

function wrongThreshold(text: string): string | undefined {
  return /^(?:-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?|1\/[1-9]\d*(?:\.\d+)?)$/i.test(text)
    ? undefined
    : 'it is a value like 0.9, a rarity like 1/1000, or {a param}'
}

function detectorCode(section: Section, context: SectionContext): Piece[] {
  const given = section.options.get('detector')?.[0]
  const name: Piece[] = given === undefined ? [{ code: "'auto'" }] : optionCode(section, context, 'detector', given)
  const entries = Object.entries({ 'warm-up': 'warmUp', seed: 'seed', period: 'period', episode: 'episode' })
  const settings = entries.flatMap(([option, property]) => {
    const value = section.options.get(option)?.[0]
    return value === undefined ? [] : [[{ code: `${property}: ` }, ...optionCode(section, context, option, value)]]
  })
  return [{ code: `${context.api('detector')}(` }, ...name, ...further(objectOf(settings)), { code: ')' }]
}

/** A place is read where it stands; a bare word is a variable. */
function modelCode(model: HeaderValue, context: SectionContext): Piece[] {
  if (model.expression) return [...context.verbatim(model.inner)]
  if (/^[A-Za-z_$][\w$]*$/.test(model.value)) return [{ code: model.value, from: model.inner }]
  return [{ code: `await ${context.api('model')}(` }, { code: quote(model.value), from: model.inner }, { code: ')' }]
}

function refuseDetectorOptions(section: Section, context: SectionContext): void {
  for (const option of ['detector', 'warm-up', 'seed', 'period', 'episode']) {
    const value = section.options.get(option)?.[0]
    if (value !== undefined)
      context.fail(`--${option} is of detectors, --model scores by a model`, value, 'Leave one out')
  }
}

function refuseModelOptions(section: Section, context: SectionContext): void {
  for (const option of ['batch', 'max-wait', 'engine', 'backend']) {
    const value = section.options.get(option)?.[0]
    if (value !== undefined) context.fail(`--${option} is of models, there is no --model`, value, '--model NAME')
  }
}

function settingsCode(section: Section, context: SectionContext, features: HeaderValue | undefined): Piece[] {
  const entries: Piece[][] = features === undefined ? [] : [[{ code: 'features: ' }, ...fieldList(features, context)]]
  for (const option of ['batch', 'max-wait', 'engine', 'backend']) {
    const value = section.options.get(option)?.[0]
    const property = option === 'max-wait' ? 'maxWait' : option
    if (value !== undefined) entries.push([{ code: `${property}: ` }, ...optionCode(section, context, option, value)])
  }
  const threshold = section.options.get('threshold')?.[0]
  if (threshold !== undefined) {
    const bare = !threshold.expression && !threshold.value.includes('/')
    const code: Piece[] = bare
      ? [{ code: String(Number(threshold.value)), from: threshold.inner }]
      : optionCode(section, context, 'threshold', threshold)
    entries.push([{ code: 'threshold: ' }, ...code])
  }
  const labels = section.options.get('labels')?.[0]
  if (labels !== undefined) entries.push([{ code: 'labels: ' }, ...optionCode(section, context, 'labels', labels)])
  return entries.length === 0 ? [{ code: '{}' }] : objectOf(entries)
}

function keyPieces(value: HeaderValue, context: SectionContext): readonly Piece[] {
  if (value.expression) return context.verbatim(value.inner)
  return join(
    fieldPlaces(value).map(field => [{ code: quote(field.text), from: field }]),
    ', ',
  )
}
