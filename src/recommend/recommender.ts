export type {
  Analytics,
  AnalyticsQuery,
  ContextWord,
  Engagement,
  Explanation,
  ListChange,
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
export { createRecommender } from './recommender-service.ts';
export type { History } from './train/interactions.ts';
export { evaluateModel, type HoldoutCase } from './train/train-weights.ts';
