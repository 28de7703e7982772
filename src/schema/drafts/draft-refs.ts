import type { Draft } from '../../drafts/drafts.ts';
import type { Listener } from '../../listeners/listeners.ts';
import { builder } from '../builder.ts';
import { connectionType } from '../connection.ts';

/** Declared separately from their fields, because listeners and drafts refer to each other. */
export const ListenerType = builder.objectRef<Listener>('Listener');
export const DraftType = builder.objectRef<Draft>('Draft');
export const DraftConnectionType = connectionType<Draft>('Draft', DraftType);
