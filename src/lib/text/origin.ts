/** Web views use custom schemes (`capacitor://localhost`), for which `URL.origin` is null. */
export function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, host, origin } = new URL(text);
  return /^https?:$/.test(protocol) ? origin === text : host !== '' && `${protocol}//${host}` === text;
}
