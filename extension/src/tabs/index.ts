/** The tabs beside the picture, in order. */
import { joinTab } from './join-tab.ts'
import { patternTab } from './pattern-tab.ts'
import { scoresTab } from './scores-tab.ts'
import { tableTab } from './table-tab.ts'
import { windowsTab } from './windows-tab.ts'
import type { TabMaker } from './tab.ts'

export const tabMakers: readonly TabMaker[] = [scoresTab, tableTab, windowsTab, patternTab, joinTab]
