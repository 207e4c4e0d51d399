/** A short name for what a plan computes: equal plans have equal keys. */
import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import type { PlanNode } from '../../stream/plan.ts'

/** Plans may be cyclic (a recursive lambda captures itself), which v8's format can write and JSON cannot. */
export const planKey = (plan: PlanNode): string =>
  createHash('sha256').update(serialize(plan)).digest('hex').slice(0, 8)
