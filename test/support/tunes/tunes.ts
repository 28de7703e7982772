/** A jig in two parts of eight bars, with a pickup, broken rhythm, grace notes, endings and ties. */
export const CAROUSEL = `X:1
T:The Carousel at Dusk
R:jig
M:6/8
L:1/8
K:G
D|:GBd gdB|c>de dBG|A2A {B}AGF|GAB D2D|
GBd gdB|c>de dBG|(3ABc d DEF|1 G3-G2D:|2 G3-G3|]
|:~g3 bag|fed ^cde|d>ef gfe|dBG A3|
[GB]2d g2d|"Am"ece dBG|.A.B.c DEF|G3 G2 z:|
`;

/** A polka in D, of two parts of four bars. */
export const HARBOUR = `X:2
T:Harbour Lights
M:2/4
L:1/16
K:D
|:d2f2 a2f2|g2e2 e4|c2e2 g2e2|f2d2 d4:|
|:a3b a2f2|g2b2 e4|cdec A2c2|[1d4 d4:|[2d4 d2z2|]
`;
