/** The size of a list, as in `@listSize`. */
export interface ListSize {
  /** The length of a list that no argument limits. */
  assumedSize?: number;
  /** The arguments that limit it. If one is absent or null, its default applies. */
  slicingArguments?: readonly string[];
  /** The fields of the returned object that are the list. Without them it is the field itself. */
  sizedFields?: readonly string[];
}

/** A field's own cost, in about microseconds of the server's CPU. 1 if not stated. */
export interface Price {
  weight?: number;
  size?: ListSize;
  /** The cost of each value passed for an argument: one, or each item of a list. */
  args?: Readonly<Record<string, number>>;
}

const sliced = { slicingArguments: ['first'] };
const page = { ...sliced, sizedFields: ['edges', 'nodes'] };
const assumed = (assumedSize: number): Price => ({ size: { assumedSize } });

/** The cost of an object apart from its fields. */
export const objectPrices: Readonly<Record<string, number>> = {
  Recommendation: 20,
  Explanation: 10,
};

/**
 * The costs of expensive fields and the sizes of lists, measured on the demo. `npm run bench -- worst` searches for
 * operations that cost more than stated here. A field that is not listed returns what its object already holds.
 */
export const prices: Readonly<Record<string, Price>> = {
  // The catalogue: a page is one statement and a total another. What tracks refer to is loaded for a whole list at
  // once.
  'Query.track': { weight: 50 },
  'Query.tracksByExternalId': { weight: 300, size: { slicingArguments: ['externalIds'] } },
  'Query.tracks': { weight: 1_500, size: page, args: { search: 2_000, meaning: 5_000, filter: 500 } },
  'Query.genres': { weight: 1_000, size: { assumedSize: 100 } },
  'Query.artist': { weight: 50 },
  'Query.album': { weight: 50 },
  'Query.artists': { weight: 1_500, size: page, args: { search: 2_000 } },
  'Query.tags': { weight: 1_500, size: page, args: { search: 2_000 } },
  'Query.albums': { weight: 1_500, size: page, args: { search: 2_000 } },
  'Query.metadataKeys': { weight: 300, size: { assumedSize: 20 } },
  'TrackConnection.totalCount': { weight: 500 },
  'ArtistConnection.totalCount': { weight: 500 },
  'TagConnection.totalCount': { weight: 500 },
  'AlbumConnection.totalCount': { weight: 500 },
  'Artist.genres': { weight: 10, size: { assumedSize: 20 } },
  'Artist.tracks': { weight: 400, size: page },
  'Artist.albums': { weight: 400, size: page },
  'Artist.trackCount': { weight: 20 },
  'Album.artists': { weight: 5, size: { assumedSize: 3 } },
  'Album.tracks': { weight: 400, size: page },
  'Album.trackCount': { weight: 20 },
  'Tag.trackCount': { weight: 20 },
  'Track.artist': { weight: 5 },
  'Track.artists': { weight: 10, size: { assumedSize: 5 } },
  'Track.album': { weight: 5 },
  'Track.coverUrl': { weight: 10 },
  'Track.externalUrls': { weight: 10, size: { assumedSize: 5 } },
  'Track.isrc': { weight: 10 },
  'Track.metadata': { weight: 20 },
  'Track.previewUrl': { weight: 10 },
  'Track.genres': { weight: 5, size: { assumedSize: 5 } },
  'Track.tags': { weight: 5, size: sliced },
  'Track.versions': { weight: 20, size: sliced },
  'Track.viewerFeedback': { weight: 5 },
  'Track.similar': { weight: 400, size: page },
  'Query.node': { weight: 50 },
  'Query.nodes': { weight: 50, size: { slicingArguments: ['ids'] }, args: { ids: 20 } },

  // Personal lists are ranked for each request, and so is each counterfactual.
  'Query.recommendations': { weight: 4_000, size: page },
  'Query.groupRecommendations': { weight: 1_000, size: sliced, args: { listenerIds: 4_000 } },
  'GroupRecommendation.track': { weight: 5 },
  'GroupRecommendation.members': assumed(20),
  'GroupMember.listener': { weight: 5 },
  'Query.radio': { weight: 8_000, size: page },
  'Subscription.recommendations': { weight: 4_000, size: page },
  'Subscription.recommendationsChanged': { weight: 4_000 },
  'RecommendationConnection.contextWords': assumed(50),
  'Recommendation.track': { weight: 5 },
  'Explanation.summary': { weight: 20 },
  'Explanation.reasons': { weight: 20, size: sliced },
  'Explanation.remainder': { weight: 10 },
  'Reason.summary': { weight: 5 },
  'HistoryReason.summary': { weight: 5 },
  'PreferenceReason.summary': { weight: 5 },
  'PopularityReason.summary': { weight: 5 },
  'Reason.without': { weight: 1_000 },
  'HistoryReason.without': { weight: 1_000 },
  'PreferenceReason.without': { weight: 1_000 },
  'PopularityReason.without': { weight: 1_000 },
  'HistoryReason.track': { weight: 5 },
  'HistoryReason.links': { weight: 30, size: { assumedSize: 4 } },
  'ReasonLink.names': assumed(5),
  'Query.explanation': { weight: 4_000 },
  'Query.onboarding': { weight: 10_000 },
  'Onboarding.recommendations': { weight: 4_000, size: page },
  'Onboarding.tracks': { weight: 500, size: sliced },
  'Onboarding.artists': { weight: 500, size: sliced },
  'TrackExplanation.excludedBy': assumed(5),
  'TrackExplanation.summary': { weight: 200 },
  'TrackExplanation.outweighedBy': { weight: 200, size: sliced },

  // Analytics read all lists of a period: an operation with 31 of them took 844 ms of the database in the benchmark `worst`.
  // An estimate ranks 1,000 lists again; its weight is an assumption,
  // within the default budget so that it can be asked for where no authentication is configured.
  'Query.evaluations': { weight: 1_000, size: sliced },
  'Query.modelVersions': { weight: 1_000, size: sliced },
  'ModelVersion.parameters': assumed(30),
  'Query.analytics': { weight: 30_000 },
  'Query.offPolicyEstimate': { weight: 150_000 },
  'Analytics.warnings': assumed(2),
  'Analytics.breakdown': { weight: 30_000, size: { slicingArguments: ['first'], sizedFields: ['rows'] } },
  'Analytics.coverage': { weight: 20_000 },
  'BreakdownRow.reasonTrack': { weight: 5 },
  'Analytics.byDay': assumed(366),
  'Analytics.byGenre': assumed(100),
  'Analytics.byModelVersion': assumed(20),
  'Analytics.byPosition': assumed(101),
  'Analytics.byReasonKind': assumed(4),
  'Analytics.bySurface': assumed(2),

  // Listeners.
  'Query.listener': { weight: 300 },
  'Listener.preferences': { weight: 50 },
  'Listener.consent': { weight: 50 },
  'Listener.feedback': { weight: 400, size: page },
  'Listener.tracks': { weight: 400, size: page },
  'Listener.drafts': { weight: 400, size: page, args: { search: 3_000, filter: 100 } },
  'FeedbackConnection.totalCount': { weight: 300 },
  'DraftConnection.totalCount': { weight: 300 },
  'Feedback.track': { weight: 5 },
  'Preferences.genres': assumed(100),
  'Preferences.artists': assumed(100),
  'Preferences.tags': assumed(50),
  'GenrePreference.genre': { weight: 10 },

  // API keys.
  'Query.auditLog': { weight: 1_000, size: page },
  'AuditEntryConnection.totalCount': { weight: 2_000 },
  'Query.apiKeys': { weight: 500, size: page },
  'ApiKeyConnection.totalCount': { weight: 300 },
  'Query.usage': { weight: 2_000, size: page },
  'UsageOfDayConnection.totalCount': { weight: 300 },
  'UsageOfDay.listener': { weight: 20 },
  'UsageOfDay.keyPrefix': { weight: 20 },
  'ApiKey.quotas': { weight: 500, size: { assumedSize: 4 } },
  'ApiKey.roles': assumed(4),
  'ApiKey.origins': assumed(5),
  'Mutation.createApiKey': { weight: 3_000 },
  'Mutation.rotateApiKey': { weight: 3_000 },
  'Mutation.setApiKeyQuota': { weight: 3_000 },
  'Mutation.revokeApiKey': { weight: 3_000 },

  // Drafts. The engine's work is not included, because its queue limits that. Texts are long.
  'Query.draft': { weight: 300 },
  'Query.models': assumed(20),
  'Draft.text': { weight: 20 },
  'Draft.ranges': { weight: 20, size: { assumedSize: 20 } },
  'Draft.prompt': { weight: 10 },
  'Draft.tokens': { weight: 5_000, size: sliced },
  'DraftToken.alternatives': assumed(5),
  'Draft.group': { weight: 300 },
  'Draft.parent': { weight: 50 },
  'Draft.children': { weight: 400, size: page },
  'DraftGroup.drafts': assumed(8),
  'Draft.model': { weight: 5 },
  'Draft.owner': { weight: 10 },
  'Sampling.logitBias': assumed(64),
  'Sampling.bannedPhrases': assumed(32),
  'Sampling.stop': assumed(8),
  'TokensAppended.tokens': assumed(200),
  'TokensInserted.tokens': assumed(200),
  'Token.alternatives': assumed(5),

  // Documents. Reading one is the work of a thread of its own, and reads all of it from the database.
  'Query.document': { weight: 100 },
  'Query.documents': { weight: 500, size: page },
  'DocumentConnection.totalCount': { weight: 300 },
  'DocumentVersionConnection.totalCount': { weight: 300 },
  'Document.text': { weight: 3_000 },
  'Document.state': { weight: 3_000 },
  'Document.owner': { weight: 5 },
  'Document.members': { weight: 50, size: { assumedSize: 20 } },
  'Document.versions': { weight: 400, size: page },
  'Document.assists': { weight: 600, size: page },
  'Document.suggestions': { weight: 1_000, size: { assumedSize: 20 } },
  'DocumentSuggestion.author': { weight: 5 },
  'DocumentSuggestion.alternatives': assumed(5),
  'DocumentSuggestion.assist': { weight: 100 },
  'DocumentSuggestion.modelTexts': assumed(2),
  'SuggestedText.parts': assumed(50),
  'AssistConnection.totalCount': { weight: 300 },
  'Assist.listener': { weight: 5 },
  'Assist.undoneBy': { weight: 5 },
  'Assist.drafts': { weight: 50, size: { assumedSize: 2 } },
  'Assist.messages': assumed(3),
  'Assist.samplings': assumed(2),
  'DocumentMember.listener': { weight: 5 },
  'DocumentUpdated.updates': assumed(8),
  'DocumentPresence.peers': assumed(10),
  'Subscription.documentUpdates': { weight: 1_000 },
  'Subscription.documentPresence': { weight: 500 },

  // Tunes. The time is that of the longest one.
  // A tune in parts; engraving has a thread of its own.
  'Draft.tune': { weight: 2_000 },
  'Tune.bars': assumed(200),
  'Tune.notes': assumed(2_000),
  'Tune.problems': assumed(200),
  'Tune.svg': { weight: 10_000 },
  'Tune.midi': { weight: 20 },
  'Tune.wav': { weight: 20 },
  'Query.checkTune': { weight: 40_000, size: { assumedSize: 200 } },

  // Services on texts. The encoder's work is not included, because its queue limits that; explaining costs more of this
  // thread than anything else.
  'Query.classifyText': { weight: 500, size: { slicingArguments: ['texts'] }, args: { texts: 500 } },
  'Query.sentiment': { weight: 500, size: { slicingArguments: ['texts'] }, args: { texts: 300 } },
  'Query.moodOf': { weight: 500, size: { slicingArguments: ['texts'] }, args: { texts: 300 } },
  'Query.embed': { weight: 500, size: { slicingArguments: ['texts'] }, args: { texts: 300 } },
  'Query.detectLanguage': { weight: 500, size: { slicingArguments: ['texts'] }, args: { texts: 100 } },
  'Query.textClassifiers': { weight: 500, size: { assumedSize: 10 } },
  // Translating is slower than encoding, and a text holds up those behind it.
  'Query.translate': { weight: 2_000, size: { slicingArguments: ['texts'] }, args: { texts: 1_000, glossary: 10 } },
  'Translation.missedTerms': assumed(10),
  'TextClassification.labels': assumed(10),
  'TextClassifier.labels': assumed(20),
  'TextEmbedding.vector': assumed(384),
  'TextLabel.words': { weight: 300, size: { assumedSize: 50 } },
  // The model's steps are not included, because a text takes a place as a draft does.
  'Query.scoreText': { weight: 3_000 },
  // As many as 61 scores of up to a sentence each.
  'Query.unexpectedWords': { weight: 15_000, size: { assumedSize: 12 } },
  'TextScore.tokens': assumed(500),
  'ScoredToken.alternatives': assumed(5),
  // Reports are made on a thread of their own.
  'Query.analyseText': { weight: 40_000 },
  'Subscription.draftReport': { weight: 40_000 },
  'TextReport.findings': { size: { assumedSize: 100 } },
  'TextReport.mood': assumed(12),
  'VerseReport.stanzas': assumed(10),
  'VerseStanzaReport.lines': assumed(6),

  // Mutations write and notify.
  'Mutation.createDocument': { weight: 2_000 },
  'Mutation.renameDocument': { weight: 2_000 },
  'Mutation.deleteDocument': { weight: 2_000 },
  'Mutation.pushUpdates': { weight: 1_000 },
  'PushUpdatesInput.updates': { weight: 100 },
  'Mutation.setPresence': { weight: 500 },
  'Mutation.setDocumentMember': { weight: 2_000 },
  'Mutation.shareDocument': { weight: 2_000 },
  'Mutation.revokeDocumentLinks': { weight: 2_000 },
  'Mutation.joinDocument': { weight: 2_000 },
  // What the model takes is limited by the places of drafts.
  'Mutation.assist': { weight: 8_000 },
  'AssistInput.alternatives': { weight: 3_000 },
  'Mutation.suggest': { weight: 6_000 },
  'Mutation.acceptSuggestion': { weight: 6_000 },
  'Mutation.rejectSuggestion': { weight: 6_000 },
  'Mutation.cancelAssist': { weight: 3_000 },
  'Mutation.undoAssist': { weight: 6_000 },
  'Mutation.saveDocumentVersion': { weight: 5_000 },
  'Mutation.restoreDocumentVersion': { weight: 5_000 },
  'Mutation.activateModelVersion': { weight: 10_000 },
  'Mutation.upsertTracks': { weight: 2_000, args: { input: 100 } },
  'DeclareMetadataKeysSuccess.metadataKeys': assumed(20),
  'RemoveMetadataKeySuccess.metadataKeys': assumed(20),
  'Mutation.declareMetadataKeys': { weight: 2_000 },
  'Mutation.removeMetadataKey': { weight: 2_000 },
  'Mutation.eraseListener': { weight: 20_000 },
  'Mutation.eraseMe': { weight: 20_000 },
  'Mutation.claimVisitor': { weight: 20_000 },
  'Mutation.withdrawTracks': { weight: 10_000 },
  'Mutation.setPreferences': { weight: 2_000 },
  'Mutation.recordFeedback': { weight: 2_000 },
  'Mutation.recordFeedbackBatch': { weight: 2_000, args: { input: 50 } },
  'Mutation.removeFeedback': { weight: 2_000 },
  'Mutation.setReaction': { weight: 2_000 },
  'Mutation.setSaved': { weight: 2_000 },
  'Mutation.setHidden': { weight: 2_000 },
  'Mutation.startDraft': { weight: 3_000 },
  'StartDraftInput.alternatives': { weight: 3_000 },
  'Mutation.chooseDraft': { weight: 4_000 },
  'Mutation.branchDraft': { weight: 3_000 },
  'BranchDraftInput.alternatives': { weight: 3_000 },
  'Mutation.rewriteDraft': { weight: 3_000 },
  'RewriteDraftInput.alternatives': { weight: 3_000 },
  'Mutation.applyRewrite': { weight: 2_000 },
  // A form has 60 lines at most.
  'VerseForm.stanzas': assumed(10),
  'StanzaForm.lines': assumed(6),
  'LineForm.strongSyllables': assumed(10),
  // An answer of 4,096 tokens takes as long to parse.
  'Draft.json': { weight: 100 },
  'DraftFormat.jsonSchema': { weight: 100 },
  'DraftFormat.choice': assumed(20),
  'Mutation.continueDraft': { weight: 3_000 },
  'Mutation.cancelDraft': { weight: 2_000 },
  'Mutation.updateDraft': { weight: 2_000 },
  'Mutation.deleteDraft': { weight: 2_000 },
};
