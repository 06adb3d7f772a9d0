/*
 * Four kernels of the kind that run on boards, in plain C without a library: the same source is compiled
 * natively and into a guest. Each answers a checksum, which has to be the same in both.
 */
#include <stddef.h>
#include <stdint.h>

#define POINTS 4096
#define BYTES 65536
#define SAMPLES 16384
#define TAPS 64

static uint32_t seed;
static uint32_t next_random(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed;
}
static double next_sample(void) { return (double)(next_random() >> 8) / 8388608.0 - 1.0; }

static uint32_t fold(uint32_t sum, double value) {
  union { double real; uint64_t bits; } as = { value };
  return (sum ^ (uint32_t)(as.bits >> 20)) * 16777619u;
}

/* Sine of an angle in [0, pi], by its series. */
static double sine(double x) {
  double term = x, sum = x;
  for (int k = 1; k < 16; k++) {
    term *= -x * x / ((2 * k) * (2 * k + 1));
    sum += term;
  }
  return sum;
}

/* Complex FFT, radix 2, in place. */
static double re[POINTS], im[POINTS], cosines[POINTS / 2], sines[POINTS / 2];
static uint32_t fft(void) {
  const double pi = 3.14159265358979323846;
  for (int i = 0; i < POINTS / 2; i++) {
    double angle = 2 * pi * i / POINTS;
    sines[i] = sine(angle);
    cosines[i] = angle < pi / 2 ? sine(angle + pi / 2) : -sine(angle - pi / 2);
  }
  for (int i = 0; i < POINTS; i++) {
    re[i] = next_sample();
    im[i] = 0;
  }
  for (int i = 1, j = 0; i < POINTS; i++) {
    int bit = POINTS >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      double held = re[i];
      re[i] = re[j];
      re[j] = held;
    }
  }
  for (int length = 2; length <= POINTS; length <<= 1) {
    int half = length / 2, step = POINTS / length;
    for (int i = 0; i < POINTS; i += length) {
      for (int k = 0; k < half; k++) {
        double wr = cosines[k * step], wi = -sines[k * step];
        double xr = re[i + k + half] * wr - im[i + k + half] * wi;
        double xi = re[i + k + half] * wi + im[i + k + half] * wr;
        re[i + k + half] = re[i + k] - xr;
        im[i + k + half] = im[i + k] - xi;
        re[i + k] += xr;
        im[i + k] += xi;
      }
    }
  }
  uint32_t sum = 2166136261u;
  for (int i = 0; i < POINTS; i++) sum = fold(fold(sum, re[i]), im[i]);
  return sum;
}

/* CRC-32 (IEEE 802.3), one byte at a time from a table. */
static uint8_t bytes[BYTES];
static uint32_t crc_table[256];
static uint32_t crc(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int k = 0; k < 8; k++) value = value & 1 ? 0xedb88320u ^ (value >> 1) : value >> 1;
    crc_table[i] = value;
  }
  for (int i = 0; i < BYTES; i++) bytes[i] = (uint8_t)(next_random() >> 24);
  uint32_t sum = 0xffffffffu;
  for (int i = 0; i < BYTES; i++) sum = crc_table[(sum ^ bytes[i]) & 255] ^ (sum >> 8);
  return ~sum;
}

/* Writes a document of readings as JSON, then parses it: objects, arrays, strings and numbers. */
static char text[BYTES];
static size_t length, at;
static void put(const char *part) {
  while (*part) text[length++] = *part++;
}
static void put_number(uint32_t value) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + value % 10);
  while (value /= 10);
  while (count) text[length++] = digits[--count];
}
static void skip_space(void) {
  while (text[at] == ' ' || text[at] == '\n') at++;
}
static uint32_t parse_value(uint32_t sum) {
  skip_space();
  char c = text[at];
  if (c == '{' || c == '[') {
    char end = c == '{' ? '}' : ']';
    at++;
    for (skip_space(); text[at] != end; skip_space()) {
      if (text[at] == ',' || text[at] == ':') at++;
      else sum = parse_value(sum * 31 + (uint32_t)c);
    }
    at++;
    return sum;
  }
  if (c == '"') {
    for (at++; text[at] != '"'; at++) {
      if (text[at] == '\\') at++;
      sum = (sum ^ (uint8_t)text[at]) * 16777619u;
    }
    at++;
    return sum;
  }
  double value = 0, scale = 1;
  for (; (text[at] >= '0' && text[at] <= '9') || text[at] == '.' || text[at] == '-'; at++) {
    if (text[at] == '.') scale = 0.1;
    else if (text[at] == '-') sum = ~sum;
    else if (scale == 1) value = value * 10 + (text[at] - '0');
    else value += (text[at] - '0') * scale, scale *= 0.1;
  }
  return fold(sum, value);
}
static uint32_t json(void) {
  length = at = 0;
  put("[");
  for (int i = 0; i < 500; i++) {
    if (i) put(",\n");
    put("{\"sensor\": \"board \\\"");
    put_number(next_random() % 64);
    put("\\\"\", \"at\": ");
    put_number(next_random());
    put(", \"values\": [");
    put_number(next_random() % 1000);
    put(".");
    put_number(next_random() % 1000);
    put(", -");
    put_number(next_random() % 100);
    put("]}");
  }
  put("]");
  text[length] = 0;
  return parse_value(2166136261u);
}

/* A finite impulse response filter over single-precision samples. */
static float input[SAMPLES + TAPS], taps[TAPS], output[SAMPLES];
static uint32_t filter(void) {
  for (int i = 0; i < SAMPLES + TAPS; i++) input[i] = (float)next_sample();
  for (int i = 0; i < TAPS; i++) taps[i] = (float)next_sample() / TAPS;
  for (int i = 0; i < SAMPLES; i++) output[i] = 0;
  for (int k = 0; k < TAPS; k++) {
    for (int i = 0; i < SAMPLES; i++) output[i] += input[i + k] * taps[k];
  }
  uint32_t sum = 2166136261u;
  for (int i = 0; i < SAMPLES; i++) sum = fold(sum, (double)output[i]);
  return sum;
}

static uint32_t run_kernel(char kernel, uint32_t rounds) {
  uint32_t sum = 0;
  seed = 1;
  for (uint32_t i = 0; i < rounds; i++) {
    switch (kernel) {
      case 'f': sum ^= fft(); break;
      case 'c': sum ^= crc(); break;
      case 'j': sum ^= json(); break;
      case 'l': sum ^= filter(); break;
      default: __builtin_trap();
    }
  }
  return sum;
}
