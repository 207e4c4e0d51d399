/** `%%train STREAM`: a model learns from rows of a stream; its handle is there at once. */
import { activations } from '../stream/models/topology.ts'
import { expressionBody, fieldList, objectOf, optionCode } from './code.ts'
import { defineMagic, type MagicDefinition, type Piece, type Section, type SectionContext } from './define.ts'
import { quote } from './values.ts'

const layerLine = new RegExp(
  `^\\s*(?:dense\\s+[1-9]\\d{0,3}(?:\\s+(?:${activations.join('|')}))?)?\\s*(?:(?:#|//).*)?$`,
)

export const train: MagicDefinition = defineMagic({
  name: 'train',
  kind: 'cell',
  summary:
    'Trains a model on rows of a stream, beside everything else; the model can be used at once, scores wait for it.',
  positionals: [{ name: 'STREAM', type: 'stream', required: true, summary: 'A stream whose rows are normal.' }],
  options: [
    {
      name: 'features',
      type: 'fields',
      ofInput: true,
      summary: 'Fields with the numbers the model takes.',
      example: 'temp,vibration',
    },
    {
      name: 'target',
      type: 'field',
      ofInput: true,
      summary: 'Field it foretells; without it the model learns to give its input back, and scores what it cannot.',
      example: 'temp',
    },
    {
      name: 'rows',
      type: 'integer',
      summary: 'Rows that are read.',
      default: '10000; with --last, --from or --to all of them',
      example: '2000',
    },
    {
      name: 'last',
      type: 'duration',
      summary: 'Only the newest rows of the topics below, so far back from their clock, until now.',
      example: '10m',
    },
    {
      name: 'from',
      type: 'text',
      summary: 'Only rows from here on, in the forms of %topic.',
      example: '2026-01-01T09:00Z|-5000|30m',
    },
    {
      name: 'to',
      type: 'text',
      summary: 'Only rows up to here, in the forms of %topic.',
      example: '2026-01-01T09:05Z|latest',
    },
    { name: 'epochs', type: 'integer', summary: 'Passes over the rows.', default: '20', example: '50' },
    { name: 'batch', type: 'integer', summary: 'Rows of one step.', default: '32', example: '128' },
    { name: 'rate', type: 'number', summary: 'Learning rate of Adam.', default: '0.002', example: '0.001' },
    {
      name: 'validation',
      type: 'number',
      summary: 'Share of the newest rows held back; their errors set the threshold.',
      default: '0.1',
      example: '0.2',
    },
    {
      name: 'seed',
      type: 'integer',
      summary: 'The same rows and seed give the same model.',
      default: '1',
      example: '7',
    },
    {
      name: 'save',
      type: 'path',
      summary: 'Folder it is written to when the training is over, for TensorFlow.js and its Python package.',
      example: 'models/normal',
    },
    {
      name: 'as',
      type: 'name',
      summary: 'Name of the model and its variable.',
      default: 'model of the stream',
      example: 'normal',
    },
  ],
  body: {
    required: false,
    summary: 'one layer a line, dense 8 tanh; or a function that builds a model of TensorFlow.js',
  },
  examples: [
    {
      text: '%%train sensors --features temp,vibration --as normal',
      says: 'An autoencoder of its own size; %%score sensors --model normal uses it.',
    },
    {
      text: '%%train sensors --features temp,vibration --last 10m --save models/normal --as normal',
      says: 'On the last ten minutes; the model is a folder, too.',
    },
    {
      text: '%%train sensors --features temp,vibration --rows 2000 --epochs 50 --as normal\ndense 8 tanh\ndense 3 tanh\ndense 8 tanh',
      says: 'Layers by hand; the output is added.',
    },
    {
      text: '%%train sensors --features temp,vibration --as normal\n(tf, inputs) => tf.sequential({ layers: [\n  tf.layers.dense({ units: 4, activation: "elu", inputShape: [inputs] }),\n  tf.layers.dense({ units: inputs }),\n] })',
      says: 'A model of TensorFlow.js; the function runs where it is trained.',
    },
  ],
  glossary:
    'Flink: ML_TRAIN of Flink ML · Kafka Streams: nothing alike · Beam: MLTransform and RunInference of a model trained elsewhere',
  expand: (section, context: SectionContext) => {
    const features = section.options.get('features')?.[0]
    if (features === undefined)
      context.fail('%%train does not say which fields it learns from', section.header, '--features a,b')
    const { pieces, name } = context.source(section)
    const as = section.options.get('as')?.[0]
    const variable = as?.value ?? `${name}Model`
    const entries: Piece[][] = [[{ code: 'features: ' }, ...fieldList(features, context)]]
    for (const option of [
      'target',
      'rows',
      'last',
      'from',
      'to',
      'epochs',
      'batch',
      'rate',
      'validation',
      'seed',
      'save',
    ]) {
      const value = section.options.get(option)?.[0]
      if (value !== undefined) entries.push([{ code: `${option}: ` }, ...optionCode(section, context, option, value)])
    }
    const layers = layersCode(section, context)
    if (layers.length > 0) entries.push([{ code: 'layers: ' }, ...layers])
    entries.push([{ code: `as: ${quote(variable)}` }])
    return {
      pieces: [
        { code: 'const ' },
        { code: variable, ...(as === undefined ? {} : { from: as.inner }) },
        { code: ` = ${context.api('train')}(` },
        ...pieces,
        { code: ', ' },
        ...objectOf(entries),
        { code: ')' },
      ],
      makes: variable,
      show: [],
    }
  },
})

/** Lines of layers stay a text; anything else is a function. */
function layersCode(section: Section, context: SectionContext): Piece[] {
  const { body } = section
  if (body === undefined || body.text.trim() === '') return []
  // A semicolon at the end keeps the cell quiet, as everywhere.
  const lines = body.text.replace(/;\s*$/, '').split('\n')
  const wrong = lines.findIndex(line => !layerLine.test(line))
  if (wrong < 0)
    return [
      {
        code: quote(
          lines
            .map(line => line.trim())
            .filter(line => line !== '')
            .join('\n'),
        ),
        from: body,
      },
    ]
  // A layer that is not known is told as one; a function begins with a bracket or its name.
  if (/^\s*[a-z]\w*\s+\w+(\s+\w+)?\s*$/.test(lines[wrong]!) && !body.text.includes('=>')) {
    const start = body.start + lines.slice(0, wrong).join('\n').length + (wrong === 0 ? 0 : 1)
    const text = lines[wrong]!
    context.fail(
      `"${text.trim()}" is no layer: lines are dense UNITS ACTIVATION, activations are ${activations.join(', ')}`,
      { start, end: start + text.length, text },
      'dense 8 tanh',
    )
  }
  const written = expressionBody(section, context)
  return written === undefined ? [] : [...context.verbatim(written.span)]
}
