import type { DocumentRole } from '../../documents/documents.ts';
import type { Role } from '../../listeners/listeners.ts';

/**
 * Who may use a field. ADMIN may use every one.
 * - `everybody`: whoever has an identity, for nobody's objects or for the viewer's own
 * - `owner`: whoever the object belongs to, and these roles for other people's
 * - `reader`: as `owner`, and for drafts that are SHARED everybody
 * - `member`: whoever has this role, or one that may do more, in the document that it belongs to
 * - `roles`: these roles alone; the schema refuses all others before the field is resolved
 */
export type FieldRule =
  | { for: 'everybody' }
  | { for: 'owner'; others: readonly Role[] }
  | { for: 'reader'; others: readonly Role[] }
  | { for: 'member'; least: DocumentRole }
  | { for: 'roles'; roles: readonly Role[] };

const everybody: FieldRule = { for: 'everybody' };
const owner = (...others: Role[]): FieldRule => ({ for: 'owner', others });
const reader: FieldRule = { for: 'reader', others: [] };
const member = (least: DocumentRole): FieldRule => ({ for: 'member', least });
const roles = (...all: Role[]): FieldRule => ({ for: 'roles', roles: all });

const all = <Rule>(rule: Rule, names: string): Record<string, Rule> =>
  Object.fromEntries(names.split(' ').map((name) => [name, rule]));

/** The fields where access is decided: those of operations, and of objects that belong to somebody. */
export const fieldRules: Readonly<Record<string, Readonly<Record<string, FieldRule>>>> = {
  Query: {
    ...all(
      everybody,
      'album albums artist artists genres metadataKeys tags track tracks tracksByExternalId models evaluations',
    ),
    ...all(everybody, 'recommendations radio explanation onboarding viewer node nodes apiKeys usage documents'),
    ...all(
      everybody,
      'analyseText checkTune classifyText detectLanguage embed moodOf scoreText sentiment textClassifiers translate unexpectedWords',
    ),
    draft: reader,
    document: member('READER'),
    listener: roles('SERVICE', 'ANALYST'),
    groupRecommendations: roles('SERVICE'),
    auditLog: roles('ADMIN'),
    ...all(roles('ANALYST'), 'analytics modelVersions offPolicyEstimate'),
  },
  Mutation: {
    ...all(everybody, 'setPreferences setReaction setSaved setHidden startDraft eraseMe claimVisitor'),
    ...all(everybody, 'createDocument joinDocument'),
    ...all(owner('SERVICE'), 'recordFeedback recordFeedbackBatch removeFeedback setConsent'),
    ...all(owner(), 'applyRewrite cancelDraft chooseDraft continueDraft deleteDraft updateDraft'),
    ...all(owner(), 'revokeApiKey rotateApiKey'),
    ...all(reader, 'branchDraft rewriteDraft'),
    // Members may take their own role away.
    ...all(member('OWNER'), 'deleteDocument shareDocument revokeDocumentLinks setDocumentMember'),
    ...all(member('EDITOR'), 'renameDocument pushUpdates saveDocumentVersion restoreDocumentVersion'),
    // Whoever suggests may let a model suggest.
    ...all(member('EDITOR'), 'assist cancelAssist undoAssist'),
    ...all(member('EDITOR'), 'acceptSuggestion rejectSuggestion'),
    suggest: member('SUGGESTER'),
    setPresence: member('READER'),
    ...all(roles('SERVICE'), 'declareMetadataKeys removeMetadataKey upsertTracks withdrawTracks eraseListener'),
    ...all(roles('ADMIN'), 'activateModelVersion createApiKey setApiKeyQuota'),
  },
  Subscription: {
    ...all(everybody, 'recommendations recommendationsChanged'),
    ...all(reader, 'draftEvents draftGroupEvents draftReport'),
    ...all(member('READER'), 'documentUpdates documentPresence'),
  },
  Listener: {
    ...all(everybody, 'id displayName isVisitor simulated drafts'),
    ...all(owner('SERVICE', 'ANALYST'), 'externalId preferences consent feedback tracks'),
  },
  Feedback: all(owner('SERVICE', 'ANALYST'), 'id at kind listenedMs plays requestId track'),
  Draft: {
    ...all(
      reader,
      'id alternative children createdAt cursor failure finishReason form format group json kind model origin owner',
    ),
    ...all(reader, 'parent prompt ranges revision rewrite sampling status text title tokens tune updatedAt usage'),
    visibility: reader,
  },
  DraftGroup: all(reader, 'id drafts'),
  Document: all(
    member('READER'),
    'id title text state cursor role owner members versions assists suggestions createdAt updatedAt',
  ),
  Assist: {
    ...all(member('READER'), 'id listener task mode status reason clientId drafts instruction tone model modelDigest'),
    ...all(member('READER'), 'messages samplings base createdAt endedAt undoneAt undoneBy'),
  },
  DocumentVersion: all(member('READER'), 'id name author createdAt'),
  ApiKey: {
    ...all(owner(), 'id name prefix status owner actsFor roles origins createdAt createdBy expiresAt rotatedAt'),
    ...all(owner(), 'previousUntil revokedAt quotas'),
  },
};

/**
 * The types whose fields are visible wherever their object is: what contains it decides. Errors, connections, edges
 * and successes of mutations are such types as well.
 */
export const containedTypes: ReadonlySet<string> = new Set(
  [
    'Album Artist Credit ExternalUrl Genre MetadataKey Tag Track TrackTag ViewerFeedback PageInfo Model',
    'Recommendation RecommendationsChange Explanation TrackExplanation Counterfactual ContextWord Onboarding',
    'GroupMember GroupRecommendation',
    'HistoryReason PreferenceReason PopularityReason ReasonLink WordContribution GenrePreference Preferences Consent',
    'Analytics Breakdown BreakdownRow Coverage DayEngagement EngagementTotals GenreEngagement ModelVersionEngagement',
    'PositionEngagement ReasonKindEngagement SurfaceEngagement RateInterval OffPolicyEstimate RecommenderEvaluation',
    'ModelVersion ModelVersionParameter AuditEntry UsageOfDay QuotaState',
    'DraftGroupEvent DraftOrigin DraftRange DraftReport DraftRewrite DraftSnapshot DraftStatusChanged DraftToken',
    'TextReplaced Token TokenAlternative TokensAppended TokensInserted Sampling LogitBias Usage',
    'AssistBase AssistMessage DocumentLink DocumentMember DocumentPeer DocumentPresence DocumentState DocumentSuggestion DocumentUpdated',
    'DraftFormat LineForm StanzaForm VerseForm VerseLineReport VerseReport VerseStanzaReport Tune TuneBar TuneNote TuneProblem',
    'DetectedLanguage Finding FindingSuggestion Mood MoodPoint Sentiment TextClassification TextClassifier',
    'SuggestedPart SuggestedText ScoredToken TextEmbedding TextLabel TextMeasures TextReport TextScore Translation',
  ].flatMap((names) => names.split(' ')),
);

/** What is recorded in the audit log: whatever changes what others see, and looking somebody up. */
export const auditedFields: ReadonlySet<string> = new Set(
  [
    'Mutation.createApiKey Mutation.rotateApiKey Mutation.revokeApiKey Mutation.setApiKeyQuota',
    'Mutation.eraseListener Mutation.eraseMe Mutation.setConsent Mutation.claimVisitor Query.listener',
    'Mutation.upsertTracks Mutation.withdrawTracks Mutation.declareMetadataKeys Mutation.removeMetadataKey',
    'Mutation.activateModelVersion',
  ].flatMap((names) => names.split(' ')),
);
