/**
 * Help, made of the definitions alone: one page a magic, the list, the page for the wall.
 */
import type { MagicDefinition, OptionDefinition } from './define.ts'
import { title, usageOf } from './header.ts'
import { placeholder } from './values.ts'

export interface HelpPage {
  readonly text: string
  readonly markdown: string
}

export function helpPage(magic: MagicDefinition): HelpPage {
  return { text: helpText(magic), markdown: helpMarkdown(magic) }
}

function helpText(magic: MagicDefinition): string {
  const words = [
    ...magic.positionals.map(positional => [`  ${positional.name}`, positional.summary] as const),
    ...magic.options.map(option => [`  ${optionUsage(option)}`, optionSummary(option)] as const),
  ]
  return [
    wrapUsage(usageOf(magic)),
    '',
    magic.summary,
    ...(words.length === 0 ? [] : ['', ...table(words)]),
    ...(magic.body === undefined ? [] : ['', `Body${magic.body.required ? '' : ' (optional)'}: ${magic.body.summary}`]),
    '',
    'Examples',
    ...magic.examples.flatMap(example => [
      '',
      ...example.text.split('\n').map(line => `  ${line}`),
      `    ${example.says}`,
    ]),
    '',
    `Elsewhere: ${magic.glossary}`,
  ].join('\n')
}

function helpMarkdown(magic: MagicDefinition): string {
  const lines = [`# ${title(magic)}`, '', magic.summary, '', '```', wrapUsage(usageOf(magic)), '```']
  if (magic.positionals.length > 0) {
    lines.push('', '| Word | What it is |', '| --- | --- |')
    for (const positional of magic.positionals) {
      const name = positional.name + (positional.repeated === true ? '…' : '')
      lines.push(`| ${code(name)}${positional.required ? '' : ' (optional)'} | ${cell(positional.summary)} |`)
    }
  }
  if (magic.options.length > 0) {
    lines.push('', '| Option | What it does | Default |', '| --- | --- | --- |')
    for (const option of magic.options) {
      const fallback = option.default === undefined ? '' : code(option.default)
      lines.push(`| ${code(optionUsage(option))} | ${cell(option.summary)} | ${fallback} |`)
    }
  }
  if (magic.body !== undefined)
    lines.push('', `**Body**${magic.body.required ? '' : ' (optional)'}: ${magic.body.summary}`)
  lines.push('', '## Examples')
  for (const example of magic.examples) lines.push('', example.says, '', '```', example.text, '```')
  lines.push('', `*Elsewhere:* ${magic.glossary}`, '')
  return lines.join('\n')
}

/** `%lsmagic`: line magics, then cell magics. */
export function magicList(magics: readonly MagicDefinition[]): HelpPage {
  const kinds = [
    { heading: 'Line magics', kind: 'line' },
    { heading: 'Cell magics', kind: 'cell' },
  ] as const
  const text = kinds.map(({ heading, kind }) => {
    const rows = magics.filter(magic => magic.kind === kind).map(magic => [`  ${title(magic)}`, magic.summary] as const)
    return [heading, ...table(rows)].join('\n')
  })
  const markdown = kinds.map(({ heading, kind }) => {
    const rows = magics
      .filter(magic => magic.kind === kind)
      .map(magic => `| ${code(title(magic))} | ${cell(magic.summary)} |`)
    return [`**${heading}**`, '', '| Magic | What it does |', '| --- | --- |', ...rows].join('\n')
  })
  const more = 'Help of one: %name?   One page of all: %quickref'
  return { text: [...text, more].join('\n\n'), markdown: [...markdown, more].join('\n\n') }
}

/** `%quickref`: every magic with its options and its first example. */
export function quickReference(magics: readonly MagicDefinition[]): HelpPage {
  const rules = [
    '%name stands for a line, %%name for a section up to the next one; name? is help.',
    'A section without STREAM continues the one above; only the last section shows; a ; at the end shows nothing.',
    '{expr} in a header is a TypeScript expression, (expr) may stand for a STREAM; -- ends options.',
    'Durations: 500ms 10s 5m 1h 1d 1w 1mo. %desugar on top of a cell prints its TypeScript.',
  ]
  const text = magics.map(magic => `${wrapUsage(usageOf(magic))}\n    ${magic.summary}`)
  const markdown = magics.map(magic => {
    const example = magic.examples[0]?.text ?? title(magic)
    return `**${title(magic)}** ${magic.summary}\n\n\`\`\`\n${wrapUsage(usageOf(magic))}\n\`\`\`\n\n\`\`\`\n${example}\n\`\`\``
  })
  return {
    text: [rules.join('\n'), ...text].join('\n\n'),
    markdown: [rules.map(rule => `- ${cell(rule)}`).join('\n'), ...markdown].join('\n\n'),
  }
}

export function optionUsage(option: OptionDefinition): string {
  return option.type === 'flag' ? `--${option.name}` : `--${option.name} ${placeholder(option)}`
}

function optionSummary(option: OptionDefinition): string {
  return option.default === undefined ? option.summary : `${option.summary} Default ${option.default}.`
}

/** Two columns; a left side that is too long gets a line of its own. */
function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)))
  return rows.flatMap(([left, right]) =>
    left.length > width ? [left, `${' '.repeat(width + 2)}${right}`] : [`${left.padEnd(width + 2)}${right}`],
  )
}

/** The usage has one line in errors; on a page it breaks between options. */
function wrapUsage(usage: string): string {
  const lines: string[] = []
  for (const word of usage.split(/ (?=\[--)/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length < 100) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(lines.length === 0 ? word : `    ${word}`)
  }
  return lines.join('\n')
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

/** Bars end a table cell, angle brackets begin HTML, asterisks emphasis. */
function cell(text: string): string {
  return text.replace(/[|<*]/g, found => `\\${found}`)
}
