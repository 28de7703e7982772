import { selectConsents, writeConsent } from '../db/access/consent-queries.ts';
import type { Database } from '../db/client.ts';
import type { Clock } from '../lib/clock.ts';
import { indexBy } from '../lib/collections.ts';
import { InvalidInputError } from '../lib/errors.ts';
import type { ConsentInput, Listeners } from './contract.ts';
import { noSuchListener } from './erasure.ts';

/** What listeners allow their feedback to be used for ([CONSENT1]). @param told when somebody's consent has changed */
export function createConsents(
  database: Database,
  clock: Clock,
  told: () => void,
): Pick<Listeners, 'consents' | 'setConsent'> {
  return {
    consents: async (ids) =>
      indexBy(ids.length ? await selectConsents(database, ids) : [], ({ listenerId }) => listenerId),
    setConsent: async (listenerId, input) => {
      const isThere = await writeConsent(database, listenerId, saidIn(input), new Date(clock.now()));
      const [consent] = isThere ? await selectConsents(database, [listenerId]) : [];
      if (!consent) throw noSuchListener();
      told();
      return consent;
    },
  };
}

function saidIn({ training, analytics }: ConsentInput): { training?: boolean; analytics?: boolean } {
  if (training == null && analytics == null)
    throw new InvalidInputError('input must say at least one of training and analytics', 'input');
  return { ...(training != null && { training }), ...(analytics != null && { analytics }) };
}
