/** Formats by columns that only they have. */
const formats = [
  { format: 'spotify', kind: 'a Spotify export', columns: ['ms_played', 'msPlayed', 'master_metadata_track_name'] },
  { format: 'listenbrainz', kind: 'a ListenBrainz export', columns: ['listened_at', 'track_metadata'] },
  { format: 'lastfm-csv', kind: 'a Last.fm export', columns: ['uts', 'utc_time', 'artist_mbid', 'track_mbid'] },
  { format: 'tracks', kind: 'a catalogue', columns: ['externalId'] },
  { format: 'feedback', kind: 'feedback in this server’s columns', columns: ['listener'] },
] as const;

/**
 * The format that a file with these columns most likely has, and the command for it. Empty if unknown.
 * @param known columns of the format that was expected
 */
export function formatHint(columns: readonly string[], known: readonly string[]): string {
  const found = formats.find((one) => one.columns.some((name) => columns.includes(name) && !known.includes(name)));
  if (!found) return '';
  const options = found.format === 'tracks' || found.format === 'feedback' ? '' : ' --listener ID';
  return `. This looks like ${found.kind}: npm run import -- ${found.format} PATH${options}`;
}
