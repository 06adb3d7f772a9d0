/*
 * What a processor makes of WebAssembly's numbers: each message is a seed, and the answer on `out/answers`
 * is one line for each family of instructions, with the hash of what they gave for a long series of
 * operands that grew from the seed. Boards of all architectures must answer with the same bytes.
 *
 * Which NaN an operation gives is the one thing that WebAssembly leaves open (core specification, "NaN
 * Propagation"), and architectures differ in it: all NaNs are hashed as one. What traps (division by zero,
 * a conversion out of range) is not asked.
 *
 * A seed that begins with `!` asks for something wrong instead: `!trap`, `!grow`, `!spin`, `!elsewhere`.
 *
 * Without a C library; imports and exports as in examples/echo-c.
 */
#include <stddef.h>
#include <stdint.h>

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))
#define TYPES "wasi:messaging/types@0.2.0-draft"
#define PRODUCER "wasi:messaging/producer@0.2.0-draft"

typedef int32_t handle_t;
typedef struct { const uint8_t *bytes; size_t length; } list_t;
/* variant error { timeout, connection(string), permission-denied(string), other(string) } */
typedef struct { uint8_t tag; list_t text; } error_t;
typedef struct { uint8_t is_error; union { handle_t client; error_t error; } value; } connected_t;
typedef struct { uint8_t is_error; error_t error; } done_t;
typedef struct { uint8_t is_error; list_t text; } started_t;

IMPORT(TYPES, "[static]client.connect") void client_connect(const char *name, size_t length, connected_t *);
IMPORT(TYPES, "[constructor]message") handle_t message_new(const uint8_t *bytes, size_t length);
IMPORT(TYPES, "[method]message.data") void message_data(handle_t, list_t *);
IMPORT(TYPES, "[resource-drop]message") void message_drop(handle_t);
IMPORT(PRODUCER, "send") void send(handle_t client, const char *topic, size_t length, handle_t message, done_t *);

/* What the host hands in during one call lies here; the next call begins at the front again. */
static _Alignas(16) uint8_t arena[8 * 1024];
static size_t used;

EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  size_t at = (used + align - 1) & ~(align - 1);
  if (old != NULL || old_size != 0 || at > sizeof arena || size > sizeof arena - at) __builtin_trap();
  used = at + size;
  return arena + at;
}

/* FNV-1a, over the eight bytes of a value. */
#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u
static uint64_t hash;
static void note(uint64_t value) {
  for (int byte = 0; byte < 8; byte += 1) hash = (hash ^ ((value >> (8 * byte)) & 0xff)) * FNV_PRIME;
}

typedef union { double number; uint64_t bits; } wide_t;
typedef union { float number; uint32_t bits; } narrow_t;

static void note_f64(double number) {
  wide_t value = { .number = number };
  note(number != number ? 0x7ff8000000000000u : value.bits);
}
static void note_f32(float number) {
  narrow_t value = { .number = number };
  note(number != number ? 0x7fc00000u : value.bits);
}

/* xorshift64* (Vigna 2014). */
static uint64_t series;
static uint64_t next(void) {
  series ^= series >> 12;
  series ^= series << 25;
  series ^= series >> 27;
  return series * 0x2545f4914f6cdd1du;
}

#define ROUNDS 2000

static void integers_64(void) {
  uint64_t a = next(), b = next() | 1, by = b & 63;
  int64_t s = (int64_t)a, t = (int64_t)(b >> (by & 31)) | 1;
  note(a + b), note(a - b), note(a * b), note(a / b), note(a % b);
  /* The one quotient that does not fit is left out. */
  if (!(s == INT64_MIN && t == -1)) note((uint64_t)(s / t)), note((uint64_t)(s % t));
  note(a << by), note(a >> by), note((uint64_t)(s >> by)), note(a << by | a >> ((64 - by) & 63));
  note((uint64_t)__builtin_popcountll(a)), note((uint64_t)__builtin_clzll(b)), note((uint64_t)__builtin_ctzll(b));
  note(a < b), note(s < t), note((uint64_t)(int64_t)(int8_t)a), note((uint64_t)(int64_t)(int32_t)a);
}

static void integers_32(void) {
  uint64_t both = next();
  uint32_t a = (uint32_t)both, b = (uint32_t)(both >> 32) | 1, by = b & 31;
  int32_t s = (int32_t)a, t = (int32_t)(b >> (by & 15)) | 1;
  note(a + b), note(a - b), note(a * b), note(a / b), note(a % b);
  if (!(s == INT32_MIN && t == -1)) note((uint32_t)(s / t)), note((uint32_t)(s % t));
  note(a << by), note(a >> by), note((uint32_t)(s >> by)), note(a << by | a >> ((32 - by) & 31));
  note((uint32_t)__builtin_popcount(a)), note((uint32_t)__builtin_clz(b)), note((uint32_t)__builtin_ctz(b));
  note(a < b), note(s < t), note((uint32_t)(int32_t)(int8_t)a), note((uint32_t)(int32_t)(int16_t)a);
}

static void doubles(void) {
  wide_t x = { .bits = next() }, y = { .bits = next() };
  double a = x.number, b = y.number;
  note_f64(a + b), note_f64(a - b), note_f64(a * b), note_f64(a / b), note_f64(__builtin_sqrt(a));
  note_f64(__builtin_ceil(a)), note_f64(__builtin_floor(a)), note_f64(__builtin_trunc(a));
  note_f64(__builtin_rint(a)), note_f64(__builtin_fabs(a)), note_f64(__builtin_copysign(a, b));
  note_f64(__builtin_wasm_min_f64(a, b)), note_f64(__builtin_wasm_max_f64(a, b));
  note(a < b), note(a <= b), note(a == b), note(a != a), note_f32((float)a);
  /* Of a size that carries and rounds. */
  double small = (double)(int64_t)x.bits * 0x1p-40, other = (double)y.bits * 0x1p-40 + 1.0;
  note_f64(small + other), note_f64(small * other), note_f64(small / other), note_f64(__builtin_rint(small));
}

static void singles(void) {
  uint64_t both = next();
  narrow_t x = { .bits = (uint32_t)both }, y = { .bits = (uint32_t)(both >> 32) };
  float a = x.number, b = y.number;
  note_f32(a + b), note_f32(a - b), note_f32(a * b), note_f32(a / b), note_f32(__builtin_sqrtf(a));
  note_f32(__builtin_ceilf(a)), note_f32(__builtin_floorf(a)), note_f32(__builtin_truncf(a));
  note_f32(__builtin_rintf(a)), note_f32(__builtin_fabsf(a)), note_f32(__builtin_copysignf(a, b));
  note_f32(__builtin_wasm_min_f32(a, b)), note_f32(__builtin_wasm_max_f32(a, b));
  note(a < b), note(a <= b), note(a == b), note(a != a), note_f64((double)a);
}

static void conversions(void) {
  uint64_t bits = next();
  double within = (double)(int64_t)bits * 0x1p-2, low = (double)(int32_t)bits * 0x1p-1;
  note((uint64_t)(int64_t)within), note((uint64_t)__builtin_fabs(within));
  note((uint32_t)(int32_t)low), note((uint32_t)__builtin_fabs(low));
  note((uint64_t)(int64_t)(float)low);
  note_f64((double)bits), note_f64((double)(int64_t)bits), note_f64((double)(uint32_t)bits);
  note_f32((float)bits), note_f32((float)(int64_t)bits), note_f32((float)(int32_t)bits);
  note((uint32_t)bits), note((uint64_t)(int64_t)(int32_t)bits);
}

/* Loads and stores of every width, at addresses that need not be aligned. */
static uint8_t memory[4096 + 8];
static void stores(void) {
  uint64_t value = next(), at = next() & 4095;
  switch (value & 3) {
    case 0: memory[at] = (uint8_t)value; break;
    case 1: __builtin_memcpy(memory + at, &value, 2); break;
    case 2: __builtin_memcpy(memory + at, &value, 4); break;
    default: __builtin_memcpy(memory + at, &value, 8);
  }
  uint16_t two;
  uint32_t four;
  uint64_t eight;
  __builtin_memcpy(&two, memory + (value >> 52), 2);
  __builtin_memcpy(&four, memory + (value >> 52), 4);
  __builtin_memcpy(&eight, memory + (value >> 52), 8);
  note((uint64_t)(int64_t)(int16_t)two), note(four), note((uint64_t)(int64_t)(int32_t)four), note(eight);
  note(memory[at]), note((uint64_t)(int64_t)(int8_t)memory[at]);
}

/* Calls through a table, and deep ones. */
static uint64_t deeper(uint64_t depth) { return depth == 0 ? next() : deeper(depth - 1) * FNV_PRIME + depth; }
static uint64_t rotate(uint64_t depth) { return next() << (depth & 63) | 1; }
static uint64_t (*const volatile ways[])(uint64_t) = { deeper, rotate };
static void calls(void) {
  uint64_t which = next();
  note(ways[which & 1](which & 31));
}

static const struct { const char name[12]; void (*round)(void); } FAMILIES[] = {
  { "i64 ", integers_64 }, { "i32 ", integers_32 }, { "f64 ", doubles }, { "f32 ", singles },
  { "convert ", conversions }, { "memory ", stores }, { "calls ", calls },
};

static uint8_t text[512];
static size_t answer(const list_t *seed) {
  size_t length = 0;
  hash = FNV_OFFSET;
  for (size_t at = 0; at < seed->length; at += 1) note(seed->bytes[at]);
  const uint64_t start = hash | 1;
  for (size_t at = 0; at < sizeof memory; at += 1) memory[at] = (uint8_t)at;
  for (size_t family = 0; family < sizeof FAMILIES / sizeof *FAMILIES; family += 1) {
    hash = FNV_OFFSET;
    series = start;
    for (int round = 0; round < ROUNDS; round += 1) FAMILIES[family].round();
    for (const char *at = FAMILIES[family].name; *at != 0; at += 1) text[length++] = (uint8_t)*at;
    for (int digit = 15; digit >= 0; digit -= 1) text[length++] = "0123456789abcdef"[hash >> (4 * digit) & 15];
    text[length++] = '\n';
  }
  return length;
}

static handle_t client;

/* A deed that no sound guest does; where the guest is still there, it goes on. */
static void err(const list_t *asked, done_t *done) {
  static const char TOPIC[] = "elsewhere";
  switch (asked->length > 1 ? asked->bytes[1] : 0) {
    case 'g': while (__builtin_wasm_memory_grow(0, 1) != (size_t)-1) {} __builtin_trap();
    case 's': for (;;) {}
    case 'e': send(client, TOPIC, sizeof TOPIC - 1, message_new(asked->bytes, asked->length), done); break;
    default: __builtin_trap();
  }
}

static const char ANSWERS[] = "out/answers";

EXPORT("wafer:app/lifecycle@0.1.0#start")
started_t *start(void) {
  static started_t started;
  connected_t connected;
  used = 0;
  client_connect("", 0, &connected);
  started.is_error = connected.is_error;
  if (connected.is_error) started.text = connected.value.error.text;
  else client = connected.value.client;
  return &started;
}

EXPORT("wafer:app/lifecycle@0.1.0#stop")
void stop(void) {}

EXPORT("wasi:messaging/incoming-handler@0.2.0-draft#handle")
done_t *handle(handle_t message) {
  static done_t done;
  list_t seed;
  used = 0;
  message_data(message, &seed);
  message_drop(message);
  if (seed.length > 0 && seed.bytes[0] == '!') {
    err(&seed, &done);
    return &done;
  }
  /* The reply becomes the host's with the call, whatever comes of it. */
  send(client, ANSWERS, sizeof ANSWERS - 1, message_new(text, answer(&seed)), &done);
  return &done;
}
