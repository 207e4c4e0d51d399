/**
 * The table of planted faults: one line each, with the test files that must turn red. A fault that no suite notices is a rule
 * without a test. `find` must occur exactly once in `file`; `mutations.test.ts` says so when the code moved on.
 */
export interface Mutation {
  /** The rule that is broken. */
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** Test files, below the root. At least one of them must fail. */
  readonly suite: readonly string[]
}

export const mutations: readonly Mutation[] = []
