/** Help says what the definitions say. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helpFor, lsmagic, MAGICS, quickref } from './index.ts'
import { title } from './header.ts'

test('help of a magic, in full', () => {
  assert.equal(
    helpFor('%stop')?.text,
    [
      '%stop [NAME…] [--all] [--drain]',
      '',
      'Ends streams; their charts keep the last frame.',
      '',
      '  NAME     Names of streams, as %streams lists them.',
      '  --all    All streams.',
      '  --drain  First fires open windows, joins and patterns, as at the end of the input.',
      '',
      'Examples',
      '',
      '  %stop revenue',
      '    Ends the stream revenue.',
      '',
      '  %stop --all',
      '    Ends every stream of this notebook.',
      '',
      '  %stop revenue --drain',
      '    Ends it with everything it holds: open windows give their rows first.',
      '',
      'Elsewhere: Flink: cancel a job · Kafka Streams: KafkaStreams#close · Beam: cancel',
    ].join('\n'),
  )
})

test('help is found with and without percent signs, and for magics only', () => {
  assert.equal(helpFor('window')?.text, helpFor('%%window')?.text)
  assert.equal(helpFor('nothing'), undefined)
})

for (const magic of MAGICS) {
  test(`help of ${title(magic)} names each word, option, default, example and its glossary line`, () => {
    const page = helpFor(magic.name)
    for (const format of [page?.text ?? '', (page?.markdown ?? '').replaceAll('\\', '')]) {
      for (const word of [...magic.positionals.map(one => one.name), ...magic.options.map(one => `--${one.name}`)]) {
        assert.ok(format.includes(word), word)
      }
      for (const option of magic.options) assert.ok(format.includes(option.default ?? ''), option.name)
      for (const example of magic.examples) assert.ok(format.includes(example.text.split('\n')[0] ?? ''), example.text)
      assert.ok(format.includes(magic.glossary))
    }
  })

  test(`${title(magic)} has a summary sentence, an example and a glossary line`, () => {
    assert.match(magic.summary, /^[A-Z].*\.$/)
    assert.ok(magic.examples.length > 0)
    assert.notEqual(magic.glossary, '')
    for (const option of magic.options) assert.match(option.summary, /^[A-Z].*\.$/)
  })
}

test('the list and the page for the wall hold every magic', () => {
  for (const page of [lsmagic(), quickref()]) {
    for (const magic of MAGICS) {
      for (const format of [page.text, page.markdown]) assert.ok(format.includes(title(magic)), title(magic))
    }
  }
})
