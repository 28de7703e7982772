import type { Database } from '../../db/client.ts';
import { Membership, type MembershipOptions } from './membership.ts';
import { PostgresOwnership } from './ownership.ts';

/** Makes this process one of the nodes that share a database, until it is disposed of ([OWN2]). */
export function joinNodes(options: Omit<MembershipOptions, 'ownership'> & { database: Database }): Promise<Membership> {
  return Membership.join({ ...options, ownership: new PostgresOwnership(options.database) });
}
