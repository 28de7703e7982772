import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '../db/client.ts';
import {
  deleteLinks,
  deleteMember,
  insertLink,
  selectLink,
  selectMembers,
  upsertMember,
} from '../db/documents/member-queries.ts';
import { namesNobody } from '../db/failures.ts';
import type { Wakeups } from '../lib/async/wakeups.ts';
import type { Clock } from '../lib/clock.ts';
import { groupBy } from '../lib/collections.ts';
import { ConflictError, InvalidInputError, NotFoundError } from '../lib/errors.ts';
import type { Viewer } from '../listeners/listeners.ts';
import type { DocumentAccess } from './access.ts';
import type { DocumentMember, DocumentRole, MemberRole, ShareInput, ShareLink, TextDocument } from './contract.ts';
import { documentKey, documentRightsKey } from './wakeup-keys.ts';

/** Each may do what those after it may. */
const RANKS: readonly DocumentRole[] = ['OWNER', 'EDITOR', 'SUGGESTER', 'READER'];
const MOST_MEMBERS = 500;
const MOST_LINKS = 50;
const DAY_MS = 24 * 3_600_000;
const DEFAULT_DAYS = 7;
const MOST_DAYS = 366;

interface SharingOptions {
  database: Database;
  access: DocumentAccess;
  wakeups: Wakeups;
  clock: Clock;
}

/** Who may read and edit a document ([DOCUMENT1], [DOCUMENT6]). */
export class Sharing {
  readonly #options: SharingOptions;

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  async membersOf(documentIds: readonly string[]): Promise<Map<string, DocumentMember[]>> {
    const rows = await selectMembers(this.#options.database.sql, documentIds);
    return groupBy(rows, ({ documentId }) => documentId);
  }

  async setMember(
    viewer: Viewer,
    documentId: string,
    listenerId: number,
    role: MemberRole | null,
  ): Promise<TextDocument> {
    const { access } = this.#options;
    const isLeaving = role === null && listenerId === viewer.listener.id;
    const document = await (isLeaving ? access.readable(viewer, documentId) : access.own(viewer, documentId));
    if (listenerId === document.listenerId) throw new ConflictError('The owner of a document keeps their role');
    if (role === null) await this.#remove(documentId, listenerId);
    else await this.#add({ documentId, listenerId, role });
    this.#wakeRights(documentId);
    return document;
  }

  async share(viewer: Viewer, { documentId, role, expiresAt: given }: ShareInput): Promise<ShareLink> {
    const { access, database, clock } = this.#options;
    const now = clock.now();
    const expiresAt = given ?? new Date(now + DEFAULT_DAYS * DAY_MS);
    if (expiresAt.getTime() <= now || expiresAt.getTime() > now + MOST_DAYS * DAY_MS) {
      const field = 'input.expiresAt';
      throw new InvalidInputError(`${field} must be in the future, and within ${MOST_DAYS} days`, field);
    }
    await access.own(viewer, documentId);
    const secret = randomBytes(24).toString('base64url');
    const link = { documentId, role, expiresAt, digest: digestOfSecret(secret) };
    if (await insertLink(database.sql, link, MOST_LINKS, new Date(now))) return { secret, role, expiresAt };
    throw new ConflictError(`A document may have ${MOST_LINKS} links: revoke them, or let one expire`);
  }

  async revokeLinks(viewer: Viewer, documentId: string): Promise<number> {
    const { access, database, clock } = this.#options;
    await access.own(viewer, documentId);
    return deleteLinks(database.sql, documentId, new Date(clock.now()));
  }

  async join(viewer: Viewer, secret: string): Promise<TextDocument> {
    const { access, database, clock } = this.#options;
    const link = await selectLink(database.sql, digestOfSecret(secret), new Date(clock.now()));
    if (!link) throw new NotFoundError('The link is not valid, has expired or was revoked');
    const { documentId, role } = link;
    const known = (await access.byIds(viewer, [documentId])).get(documentId);
    if (!known || RANKS.indexOf(known.role) > RANKS.indexOf(role))
      await this.#add({ documentId, listenerId: viewer.listener.id, role });
    return access.readable(viewer, documentId);
  }

  async #add(member: DocumentMember): Promise<void> {
    try {
      if (await upsertMember(this.#options.database.sql, member, MOST_MEMBERS)) return;
    } catch (error) {
      throw namesNobody(error) ? new NotFoundError('There is no such listener', null, 'input.listenerId') : error;
    }
    throw new ConflictError(`A document may have ${MOST_MEMBERS} members`);
  }

  async #remove(documentId: string, listenerId: number): Promise<void> {
    if (await deleteMember(this.#options.database.sql, documentId, listenerId)) return;
    throw new NotFoundError('The document has no such member', null, 'input.listenerId');
  }

  #wakeRights(documentId: string): void {
    this.#options.wakeups.wake(documentRightsKey(documentId));
    this.#options.wakeups.wake(documentKey(documentId));
  }
}

const digestOfSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest();
