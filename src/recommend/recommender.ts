export type {
  Analytics,
  AnalyticsAxis,
  AnalyticsPeriod,
  AnalyticsQuery,
  Breakdown,
  BreakdownRow,
  ContextWord,
  Coverage,
  DateOrTime,
  Engagement,
  Explanation,
  ExportKind,
  ExportRow,
  ExportValue,
  GroupRecommendation,
  GroupStrategy,
  ListChange,
  ListenerSegment,
  ModelVersion,
  OffPolicyEstimate,
  OffPolicyRefusal,
  OnboardingQuestions,
  Reason,
  ReasonLink,
  Recommendation,
  RecommendationContext,
  RecommendationPage,
  RecommendationQuery,
  Recommender,
  RecommenderEvaluation,
  TrackExplanation,
} from './contract.ts';
export { MOST_MEANING } from './contract.ts';
export { type ExportColumn, exportColumns } from './measure/exports.ts';
export { rateInterval, type RateInterval } from './measure/rate-interval.ts';
export { createRecommender } from './recommender-service.ts';
export type { History } from './train/interactions.ts';
export { evaluateModel, type HoldoutCase } from './train/train-weights.ts';
export { OFF_POLICY_CASES, type OffPolicyCase, simulateOffPolicy } from './simulate/simulate-off-policy.ts';
