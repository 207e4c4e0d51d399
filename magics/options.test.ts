/** Nothing in a header is ignored: each option of each magic changes what the magic stands for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAGICS } from './index.ts'
import { title } from './header.ts'
import { expanded } from './testing.ts'

/** A header that is whole without options, and what must stand below it. */
const plain: Readonly<Record<string, readonly [header: string, body?: string]>> = {
  cep: ['orders', 'pattern: a -> b\na: e => e.ok\nb: e => e.ok'],
  chart: ['orders'],
  checkpoint: ['10s'],
  connect: ['kafka://localhost:9092'],
  filter: ['orders', 'o => o.ok'],
  generate: ['orders'],
  groups: [''],
  join: ['orders payments --on orderId --within 5m'],
  map: ['orders', 'o => o'],
  nab: ['orders'],
  param: ['level 3'],
  pause: ['orders'],
  produce: ['orders', '{"id":1}'],
  record: ['orders orders.rec'],
  replay: ['orders.rec'],
  resume: ['orders'],
  schema: ['show orders-value'],
  score: ['orders --features amount'],
  sink: ['orders --topic out'],
  stop: ['orders'],
  streams: [''],
  topic: ['orders'],
  train: ['orders --features amount'],
  topics: [''],
  window: ['orders --tumbling 1s'],
  writefile: ['a.txt', 'text'],
}

/** Values where the type alone does not tell a good one; `instead` is a header the option needs. */
const special: Readonly<Record<string, { readonly value?: string; readonly instead?: string }>> = {
  'record stop': { instead: 'orders' },
  'replay speed': { value: 'max' },
  'train features': { value: 'amount,region', instead: 'orders' },
  'score model': { value: 'normal', instead: 'orders' },
  'score batch': { instead: 'orders --model normal' },
  'score max-wait': { instead: 'orders --model normal' },
  'score engine': { value: 'tensorflow', instead: 'orders --model normal' },
  'score backend': { value: 'cpu', instead: 'orders --model normal' },
  'window tumbling': { value: '2s', instead: 'orders' },
  'topics partitions': { value: '4', instead: 'create refunds' },
  'topics retention': { value: '7d', instead: 'create refunds' },
  'topics retention-size': { value: '64MB', instead: 'alter refunds' },
  'param choices': { value: '3,4,5' },
  'param max': { value: '9' },
  'window hopping': { value: '10s/5s', instead: 'orders' },
  'window cumulating': { value: '1h/1m', instead: 'orders' },
  'window session': { instead: 'orders' },
  'window counting': { value: '100/10', instead: 'orders' },
  'window over': { value: '10m', instead: 'orders' },
  'window zone': { value: 'Europe/Berlin' },
  'cep skip': { value: 'to-next' },
  'chart zone': { value: 'Europe/Berlin' },
  'window emit': { value: 'changes' },
  'chart keep': { value: '5m' },
  'chart fps': { value: '5' },
  'schema compatibility': { value: 'FULL', instead: 'check orders-value --file a.avsc' },
  'schema file': { instead: 'diff orders-value' },
  'join on': { value: 'orderId=orderId', instead: 'orders payments --within 5m' },
  'join within': { value: '-1m..5m', instead: 'orders payments --on orderId' },
  'join tumbling': { instead: 'orders payments --on orderId' },
  'join hopping': { value: '10s/5s', instead: 'orders payments --on orderId' },
  'join cumulating': { value: '1h/1m', instead: 'orders payments --on orderId' },
  'join session': { instead: 'orders payments --on orderId' },
  'join table': { instead: 'orders payments --on orderId' },
  'join as-of': { instead: 'orders payments --on orderId' },
  'join ttl': { instead: 'orders payments --on orderId' },
  'join type': { value: 'left' },
  'score features': { value: 'amount,region', instead: 'orders' },
  'score detector': { value: 'rrcf' },
  'score threshold': { value: '1/1000' },
  'sink topic': { value: 'other', instead: 'orders' },
  'sink file': { value: 'out.csv', instead: 'orders' },
  'sink headers': { value: 'a=1' },
  'topic from': { value: 'earliest' },
  'connect registry': { value: 'http://localhost:8081' },
  'topic to': { value: 'latest' },
  'produce headers': { value: 'a=1' },
  'stop all': { instead: '' },
  'pause all': { instead: '' },
  'resume all': { instead: '' },
}

const byType: Readonly<Record<string, string>> = {
  path: 'other.avsc', text: 'abc', name: 'other', field: 'region', fields: 'region,orderId', duration: '3s', integer: '2', number: '2', percent: '7%',
} // prettier-ignore

for (const magic of MAGICS) {
  for (const option of magic.options) {
    test(`--${option.name} changes what ${title(magic)} stands for`, () => {
      const given = special[`${magic.name} ${option.name}`] ?? {}
      const [header, body] = plain[magic.name] ?? assert.fail(`add ${magic.name} to the table "plain"`)
      const value = given.value ?? option.choices?.at(-1) ?? byType[option.type] ?? ''
      const below = body === undefined ? '' : `\n${body}`
      const start = `${title(magic)} ${given.instead ?? header}`
      const bare = `${title(magic)} ${header}${below}`
      const flag = option.type === 'flag' ? '' : ` ${value}`
      const changed = expanded(`${start} --${option.name}${flag}${below}`)
      assert.notEqual(changed, expanded(bare))
      if (option.type === 'flag') return
      // Both spellings mean the same, quotes too.
      assert.equal(expanded(`${start} --${option.name}=${value}${below}`), changed)
      assert.equal(
        expanded(`${start} --${option.name}="${value}"${below}`),
        option.name === 'choices' ? changed.replace('[3, 4, 5]', "['3', '4', '5']") : changed,
      )
    })

    if (
      option.type !== 'flag' &&
      option.type !== 'name' &&
      !/^(?:window (?:tumbling|hopping|cumulating)|join (?:hopping|cumulating))$/.test(`${magic.name} ${option.name}`)
    ) {
      test(`--${option.name} of ${title(magic)} takes an expression`, () => {
        const [header, body] = plain[magic.name] ?? []
        const start = `${title(magic)} ${special[`${magic.name} ${option.name}`]?.instead ?? header}`
        assert.match(
          expanded(`${start} --${option.name} {limit * 2}${body === undefined ? '' : `\n${body}`}`),
          /limit \* 2/,
        )
      })
    }
  }
}
