/** What a registry refuses, in the same words whether it is a server or in this process. */
import { distance } from 'fastest-levenshtein'
import { StreamError } from '../errors.ts'
import type { CompatibilityMode, SchemaRef } from '../schema-model.ts'
import type { Incompatibility } from './compatibility.ts'

export function noSubject(subject: string, subjects: readonly string[]): StreamError {
  const near = subjects.filter(each => distance(each, subject) <= Math.max(2, subject.length / 3)).slice(0, 3)
  return new StreamError({
    code: 'SCHEMA_UNKNOWN',
    message: `Cannot find subject "${subject}": the registry has ${subjects.length === 0 ? 'none yet' : near.length > 0 ? near.join(', ') : `${subjects.length} others`}`,
    hint:
      near[0] === undefined ? `%schema list, or %schema register ${subject} --file FILE` : `%schema show ${near[0]}`,
  })
}

export function noVersion(subject: string, version: number | string, versions: readonly number[]): StreamError {
  return new StreamError({
    code: 'SCHEMA_UNKNOWN',
    message: `Cannot find version ${version} of subject "${subject}": it has ${versions.join(', ')}`,
    hint: `%schema show ${subject}`,
  })
}

export function noSchema(ref: SchemaRef, url: string): StreamError {
  return new StreamError({
    code: 'SCHEMA_UNKNOWN',
    message: `Cannot find schema ${ref}: the registry at ${url} does not have it`,
    hint: 'Check that the registry is the one the producer wrote with: %connect … --registry URL',
  })
}

/** The first reasons stand in the message, all of them in the detail. */
export function incompatible(
  subject: string,
  mode: CompatibilityMode,
  reasons: readonly Pick<Incompatibility, 'path' | 'reason' | 'fix'>[],
): StreamError {
  const line = ({ path, reason }: Pick<Incompatibility, 'path' | 'reason'>) =>
    `${path === '' ? 'the schema' : `field ${path}`}: ${reason}`
  const [first] = reasons
  const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : ''
  return new StreamError({
    code: 'SCHEMA_INCOMPATIBLE',
    message: `Cannot register a new version of "${subject}": it is not ${mode} compatible${first === undefined ? '' : `, ${line(first)}${more}`}`,
    detail: reasons.map(reason => `${line(reason)}\n  ${reason.fix}`).join('\n'),
    hint: first === undefined ? `%schema diff ${subject}` : first.fix,
  })
}
