/** `--set name=value` as the TypeScript of a cell: numbers, true, false, null and JSON are values, everything else is text. */
import { StreamError } from '../../stream/errors.ts'

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

export function parameterSource(words: readonly string[]): string {
  return words.map(word => declaration(word)).join('\n')
}

function declaration(word: string): string {
  const at = word.indexOf('=')
  const name = word.slice(0, at)
  if (at < 0 || !NAME.test(name)) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot set "${word}": it is not of the form name=value`,
      hint: 'riffle run NOTEBOOK.ipynb --set threshold=100 --set region=north',
    })
  }
  return `let ${name} = ${valueText(word.slice(at + 1))}`
}

function valueText(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    return JSON.stringify(text)
  }
}
