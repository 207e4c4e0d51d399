/** `%timeit EXPRESSION`: how long an expression takes, over many loops. */
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { parseExpression } from './typescript.ts'

/** Names no notebook has: the expression sees its own variables only. */
const BEFORE = `{
  const $once = async (loops: number): Promise<number> => {
    const began = performance.now()
    for (let $loop = 0; $loop < loops; $loop++) void (`
const AFTER = `)
    return (performance.now() - began) / loops
  }
  let $loops = 1
  while ($loops < 10_000_000 && (await $once($loops)) * $loops < 50) $loops *= 10
  const $times: number[] = []
  for (let $run = 0; $run < 7; $run++) $times.push(await $once($loops))
  const $mean = $times.reduce((sum, one) => sum + one) / 7
  const $spread = Math.sqrt($times.reduce((sum, one) => sum + (one - $mean) ** 2, 0) / 7)
  const $text = (ms: number) => (ms >= 1000 ? \`\${(ms / 1000).toPrecision(3)} s\` : ms >= 1 ? \`\${ms.toPrecision(3)} ms\` : ms >= 1e-3 ? \`\${(ms * 1e3).toPrecision(3)} µs\` : \`\${(ms * 1e6).toPrecision(3)} ns\`)
  console.log(\`\${$text($mean)} ± \${$text($spread)} per loop (mean ± std. dev. of 7 runs, \${$loops.toLocaleString('en-US')} loop\${$loops === 1 ? '' : 's'} each)\`)
}`

export const timeit: MagicDefinition = defineMagic({
  name: 'timeit',
  kind: 'line',
  summary: 'Evaluates an expression again and again and tells the mean time of one loop; its value is not shown.',
  positionals: [{ name: 'EXPRESSION', type: 'text', required: true, summary: 'TypeScript; await may stand in it.' }],
  options: [],
  raw: true,
  examples: [{ text: '%timeit JSON.parse(text)', says: 'How long it takes to parse the text once.' }],
  glossary: 'As in IPython.',
  expand: (section, context: SectionContext) => {
    const typed = section.positionals[0]
    if (typed === undefined) context.fail('%timeit needs an EXPRESSION', section.header)
    const { error } = parseExpression(typed.text)
    if (error !== undefined) {
      const at = Math.min(typed.start + error.at, typed.end - 1)
      context.fail(`The expression does not parse: ${error.message}`, { start: at, end: at + 1, text: '' })
    }
    return { pieces: [{ code: BEFORE }, { verbatim: typed.inner }, { code: AFTER }] }
  },
})
