/** Woken when an API key has been rotated or revoked. */
export const apiKeysWakeup = 'api-keys';
/** Woken when trusted documents have been registered or removed. */
export const trustedDocumentsWakeup = 'trusted-documents';
