/** `%param NAME VALUE`: a slider or field whose value lambdas may read. */
import { further, objectOf, optionCode } from './code.ts'
import {
  defineMagic,
  type HeaderValue,
  type MagicDefinition,
  type Piece,
  type Section,
  type SectionContext,
} from './define.ts'
import { quote } from './values.ts'

const NUMBER = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i

export const param: MagicDefinition = defineMagic({
  name: 'param',
  kind: 'line',
  summary:
    'Shows a slider or field; lambdas read its value as NAME.value, each change takes effect at the next record.',
  positionals: [
    { name: 'NAME', type: 'name', required: true, summary: 'Name of the variable.' },
    { name: 'VALUE', type: 'text', required: true, summary: 'First value: a number, true, false or a text.' },
  ],
  options: [
    { name: 'min', type: 'number', summary: 'Least value of the slider.', example: '0' },
    { name: 'max', type: 'number', summary: 'Greatest value of the slider.', example: '1' },
    { name: 'step', type: 'number', summary: 'Step of the slider.', example: '0.01' },
    { name: 'choices', type: 'fields', summary: 'The values to choose from.', example: 'north,south,west' },
  ],
  examples: [
    {
      text: '%param least 100 --min 0 --max 500 --step 10',
      says: 'A slider; a lambda reads it: o => o.amount > least.value',
    },
    { text: '%param region north --choices north,south,west', says: 'A choice of three.' },
  ],
  glossary: 'Flink: broadcast state · Kafka Streams: GlobalKTable · Beam: side input',
  expand: (section, context: SectionContext) => {
    const [name, value] = section.positionals
    if (name === undefined || value === undefined) context.fail('%param needs a NAME and a VALUE', section.header)
    check(section, context, value)
    const entries: Piece[][] = []
    for (const option of ['min', 'max', 'step']) {
      const bound = section.options.get(option)?.[0]
      if (bound !== undefined) entries.push([{ code: `${option}: ` }, ...optionCode(section, context, option, bound)])
    }
    const choices = section.options.get('choices')?.[0]
    if (choices !== undefined) entries.push([{ code: 'choices: ' }, ...choiceList(choices, context)])
    return {
      pieces: [
        { code: 'const ' },
        { code: name.value, from: name.inner },
        { code: ` = ${context.api('param')}(` },
        { code: quote(name.value), from: name.inner },
        { code: ', ' },
        ...(value.expression
          ? context.verbatim(value.inner)
          : [{ code: scalar(value.value, quoted(value)), from: value.inner }]),
        ...further(objectOf(entries)),
        { code: ')' },
      ],
    }
  },
})

/** `"5"` is a text, `5` a number. */
function quoted(value: HeaderValue): boolean {
  return /^['"]/.test(value.text)
}

function scalar(text: string, asText: boolean): string {
  if (asText) return quote(text)
  if (text === 'true' || text === 'false') return text
  return NUMBER.test(text) && Number.isFinite(Number(text)) ? String(Number(text)) : quote(text)
}

function choiceList(choices: HeaderValue, context: SectionContext): readonly Piece[] {
  if (choices.expression) return context.verbatim(choices.inner)
  const list = choices.value.split(',').map(choice => scalar(choice.trim(), quoted(choices)))
  return [{ code: `[${list.join(', ')}]`, from: choices.inner }]
}

/** What can be seen before the cell runs: bounds in order, the value between them, one of the choices. */
function check(section: Section, context: SectionContext, value: HeaderValue): void {
  const number = (option: string): number | undefined => {
    const given = section.options.get(option)?.[0]
    return given === undefined || given.expression ? undefined : Number(given.value)
  }
  const bounds = ['min', 'max', 'step']
    .map(option => section.options.get(option)?.[0])
    .find(bound => bound !== undefined)
  const choices = section.options.get('choices')?.[0]
  if (choices !== undefined && bounds !== undefined) context.fail('A param has bounds or choices, not both', bounds)
  const [min, max, step] = [number('min'), number('max'), number('step')]
  if (min !== undefined && max !== undefined && min >= max) {
    context.fail(`--min ${min} is not below --max ${max}`, section.options.get('min')?.[0] ?? section.header)
  }
  if (step !== undefined && step <= 0)
    context.fail('--step is more than 0', section.options.get('step')?.[0] ?? section.header)
  if (value.expression) return
  if (choices !== undefined && !choices.expression) {
    const list = choices.value.split(',').map(choice => choice.trim())
    if (!list.includes(value.value))
      context.fail(`"${value.value}" is none of the choices ${list.join(', ')}`, value, list[0])
  }
  if (bounds === undefined) return
  if (quoted(value) || !NUMBER.test(value.value))
    context.fail(`A param with bounds is a number, "${value.value}" is none`, value)
  const given = Number(value.value)
  if ((min !== undefined && given < min) || (max !== undefined && given > max)) {
    context.fail(`${given} is not between ${min ?? 'anything'} and ${max ?? 'anything'}`, value)
  }
}
