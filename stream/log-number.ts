/**
 * Numbers of logs: two records of one log, partition and offset are the same record, whoever read them. A topic that was deleted
 * and created again is another log.
 */
let given = 0

export function nextLogNumber(): number {
  return ++given
}
