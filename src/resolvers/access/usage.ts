import type { UsageOfDay } from '../../access/access.ts';
import type { Page, PageArgs } from '../../lib/page.ts';
import { accountOf, may } from '../../listeners/listeners.ts';
import type { Context } from '../context.ts';
import { numberOf } from '../global-id.ts';

export interface UsageArgs extends PageArgs {
  from: Date | string;
  to: Date | string;
  keyId?: string | null;
}

/** Everybody's for ANALYST, otherwise the viewer's own. Of another's key there is none. */
export function usageOfDays({ keyId, ...query }: UsageArgs, { viewer, usage }: Context): Promise<Page<UsageOfDay>> {
  const key = keyId == null ? null : numberOf('ApiKey', keyId, 'keyId');
  return usage.list(may(viewer, 'ANALYST') ? null : accountOf(viewer).id, { ...query, keyId: key });
}
