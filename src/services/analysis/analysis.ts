import type { Database } from '../../infra/mongo.ts'
import type { People } from '../people.ts'
import { createListenerAnalyses, type ListenerAnalyses } from './listeners.ts'
import { createReports, type Reports } from './reports.ts'
import { type AnalysisResults, createAnalysisResults } from './results.ts'

/** What is known of recordings: by the analyser, by bots and by listeners, and the reports that name it all. */
export interface Analysis {
  reports: Reports
  results: AnalysisResults
  listeners: ListenerAnalyses
}

export function createAnalysis({ database, people }: { database: Database; people: People }): Analysis {
  const reports = createReports({ database })
  return {
    reports,
    results: createAnalysisResults({ database, reports }),
    listeners: createListenerAnalyses({ database, people, reports }),
  }
}
