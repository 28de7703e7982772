import type { DocumentVersion, ShareLink } from '../../documents/documents.ts';
import * as resolvers from '../../resolvers/documents.ts';
import { outcome } from '../../resolvers/outcome.ts';
import { builder, given } from '../builder.ts';
import { resultType } from '../errors.ts';
import { documentErrors, documentIdDescription, documentSuccess, DocumentVersionType } from './document-refs.ts';

const MemberRoleType = builder.enumType('DocumentMemberRole', {
  description: 'A role that can be given.',
  values: {
    EDITOR: { description: 'Edits the document.' },
    SUGGESTER: { description: 'Proposes changes of it, which those who edit decide.' },
    READER: { description: 'Reads the document.' },
  } as const,
});

const SetDocumentMemberInputType = builder.inputType('SetDocumentMemberInput', {
  description: 'With whom a document is shared.',
  fields: (t) => ({
    documentId: t.id({ required: true, description: documentIdDescription }),
    listenerId: t.id({ required: true, description: 'The `id` of the listener.' }),
    role: t.field({ type: MemberRoleType, description: 'The role to give. Absent or null: the listener has none.' }),
  }),
});

const ShareDocumentInputType = builder.inputType('ShareDocumentInput', {
  description: 'A link to make.',
  fields: (t) => ({
    documentId: t.id({ required: true, description: documentIdDescription }),
    role: t.field({ type: MemberRoleType, required: true, description: 'What those who join by it may do.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When nobody can join by it any more: within 366 days. By default in 7 days.',
    }),
  }),
});

const ShareLinkType = builder.objectRef<ShareLink>('DocumentLink').implement({
  description: 'What lets others join a document.',
  fields: (t) => ({
    secret: t.exposeString('secret', {
      description: 'What `joinDocument` takes. It is stored as a digest, and so told only now.',
    }),
    role: t.field({ type: MemberRoleType, description: 'What those who join may do.', resolve: ({ role }) => role }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When nobody can join by it any more.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
  }),
});

const ShareDocumentSuccess = builder.objectRef<{ link: ShareLink }>('ShareDocumentSuccess').implement({
  description: 'The link is valid.',
  fields: (t) => ({
    link: t.field({ type: ShareLinkType, description: 'The link.', resolve: ({ link }) => link }),
  }),
});

const RevokeLinksSuccess = builder.objectRef<{ revoked: number }>('RevokeDocumentLinksSuccess').implement({
  description: 'Nobody can join by a link any more. Who has joined stays a member.',
  fields: (t) => ({ revoked: t.exposeInt('revoked', { description: 'Number of links that were valid.' }) }),
});

const SaveVersionInputType = builder.inputType('SaveDocumentVersionInput', {
  description: 'A version to keep.',
  fields: (t) => ({
    documentId: t.id({ required: true, description: documentIdDescription }),
    name: t.string({ required: true, description: "The version's name, 1–200 characters." }),
  }),
});

const SaveVersionSuccess = builder.objectRef<{ version: DocumentVersion }>('SaveDocumentVersionSuccess').implement({
  description: 'The version is kept.',
  fields: (t) => ({
    version: t.field({ type: DocumentVersionType, description: 'The version.', resolve: ({ version }) => version }),
  }),
});

const joinErrors = ['NotFoundError', 'ConflictError'] as const;
const linkErrors = ['InvalidInputError', 'NotFoundError', 'ForbiddenError'] as const;
const versionErrors = [...documentErrors, 'OverloadedError'] as const;

builder.mutationFields((t) => ({
  setDocumentMember: t.field({
    type: resultType('SetDocumentMember', documentSuccess('SetDocumentMember', 'The role was set.'), documentErrors),
    description:
      'Shares a document with a listener, changes their role or takes it away. Members may leave by themselves.',
    args: { input: t.arg({ type: SetDocumentMemberInputType, required: true, description: 'Who and what.' }) },
    resolve: (_, { input }, context) =>
      outcome(documentErrors, async () => ({ document: await resolvers.setDocumentMember(given(input), context) })),
  }),
  shareDocument: t.field({
    type: resultType('ShareDocument', ShareDocumentSuccess, documentErrors),
    description: 'Makes a link by which every listener who has it can join a document until it expires.',
    args: { input: t.arg({ type: ShareDocumentInputType, required: true, description: 'The link to make.' }) },
    resolve: (_, { input }, context) =>
      outcome(documentErrors, async () => ({ link: await resolvers.shareDocument(given(input), context) })),
  }),
  revokeDocumentLinks: t.field({
    type: resultType('RevokeDocumentLinks', RevokeLinksSuccess, linkErrors),
    description: 'Makes all links of a document invalid.',
    args: { id: t.arg.id({ required: true, description: documentIdDescription }) },
    resolve: (_, { id }, context) => outcome(linkErrors, () => resolvers.revokeDocumentLinks(id, context)),
  }),
  joinDocument: t.field({
    type: resultType('JoinDocument', documentSuccess('JoinDocument', 'The viewer is a member.'), joinErrors),
    description: 'Makes the viewer a member of the document of a link. A role that allows more is kept.',
    args: { secret: t.arg.string({ required: true, description: "The link's `secret`." }) },
    resolve: (_, { secret }, context) =>
      outcome(joinErrors, async () => ({ document: await resolvers.joinDocument(secret, context) })),
  }),
  saveDocumentVersion: t.field({
    type: resultType('SaveDocumentVersion', SaveVersionSuccess, versionErrors),
    description: 'Keeps a document as it is now under a name.',
    args: { input: t.arg({ type: SaveVersionInputType, required: true, description: 'The version to keep.' }) },
    resolve: (_, { input }, context) =>
      outcome(versionErrors, async () => ({ version: await resolvers.saveDocumentVersion(given(input), context) })),
  }),
  restoreDocumentVersion: t.field({
    type: resultType(
      'RestoreDocumentVersion',
      documentSuccess('RestoreDocumentVersion', 'The document is as it was in the version.'),
      versionErrors,
    ),
    description: 'Makes a document what it was in a version, by a change that everybody who edits it gets.',
    args: { id: t.arg.id({ required: true, description: "The version's `id`." }) },
    resolve: (_, { id }, context) =>
      outcome(versionErrors, async () => ({ document: await resolvers.restoreDocumentVersion(id, context) })),
  }),
}));
