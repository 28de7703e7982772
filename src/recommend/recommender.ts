export type {
  ContextWord,
  GroupRecommendation,
  GroupStrategy,
  ListChange,
  ModelVersion,
  OnboardingQuestions,
  Recommendation,
  RecommendationContext,
  RecommendationPage,
  RecommendationQuery,
  Recommender,
  RecommenderEvaluation,
  TrackExplanation,
} from './contract.ts';
export type { Explanation, Reason, ReasonLink } from './explain/contract.ts';
export type {
  Analytics,
  AnalyticsAxis,
  AnalyticsPeriod,
  AnalyticsQuery,
  Breakdown,
  BreakdownRow,
  Coverage,
  DateOrTime,
  Engagement,
  ExportKind,
  ExportRow,
  ExportValue,
  ListenerSegment,
  OffPolicyEstimate,
  OffPolicyRefusal,
} from './measure/contract.ts';
export { MOST_MEANING } from './contract.ts';
export { type ExportColumn, exportColumns } from './measure/exports.ts';
export { rateInterval, type RateInterval } from './measure/rate-interval.ts';
export { createRecommender } from './recommender-service.ts';
export type { History } from './train/interactions.ts';
export { evaluateModel, type HoldoutCase } from './train/train-weights.ts';
export { OFF_POLICY_CASES, type OffPolicyCase, simulateOffPolicy } from './simulate/simulate-off-policy.ts';
