const TEXT = 0x81;
const PING = 0x89;

/** A frame as clients send it: masked, here with zeros. */
function frame(first: number, data: Buffer): Buffer {
  const { length } = data;
  const head = length < 126 ? Buffer.from([first, 0x80 | length]) : longHead(first, length);
  return Buffer.concat([head, Buffer.alloc(4), data]);
}

function longHead(first: number, length: number): Buffer {
  const head = Buffer.from([first, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

export const textFrame = (message: object): Buffer => frame(TEXT, Buffer.from(JSON.stringify(message)));
export const pingFrame = (bytes: number): Buffer => frame(PING, Buffer.alloc(bytes, 'x'));
/** Frames that are none: not masked, reserved bits, an unknown opcode, a fragmented control frame, a length beyond all bounds. */
export const brokenFrames = [
  Buffer.from([0x81, 0x01, 0x78]),
  Buffer.from([0xf1, 0x81, 0, 0, 0, 0, 0x78]),
  Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
  Buffer.from([0x09, 0x80, 0, 0, 0, 0]),
  Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
] as const;
