const FINAL_TEXT = 0x81;

/**
 * One text message in one WebSocket frame as a server sends it (RFC 6455, 5.2: final, not masked). The payload has two
 * parts: the first is specific to one subscriber, the second is shared by all.
 */
export function textFrame(own: Buffer, shared: Buffer): Buffer {
  const length = own.length + shared.length;
  const head = length < 126 ? 2 : length < 1 << 16 ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = FINAL_TEXT;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.set(own, head);
  frame.set(shared, head + own.length);
  return frame;
}
