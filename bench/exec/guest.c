/*
 * The kernels as a guest: a message is a kernel's letter and the rounds as four bytes, little-endian; the
 * answer is the checksum as four bytes. Laid out by hand as in examples/echo-c.
 */
#include "kernels.c"

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))
#define TYPES "wasi:messaging/types@0.2.0-draft"

typedef int32_t handle_t;
typedef struct { const uint8_t *bytes; uint32_t length; } list_t;
typedef struct { uint8_t is_error; handle_t client; uint32_t rest[2]; } connected_t;
typedef struct { uint8_t is_error; uint32_t rest[3]; } done_t;

IMPORT(TYPES, "[static]client.connect") void client_connect(const char *name, size_t length, connected_t *);
IMPORT(TYPES, "[constructor]message") handle_t message_new(const void *bytes, size_t length);
IMPORT(TYPES, "[method]message.data") void message_data(handle_t, list_t *);
IMPORT(TYPES, "[resource-drop]message") void message_drop(handle_t);
IMPORT("wasi:messaging/producer@0.2.0-draft", "send")
void send(handle_t client, const char *topic, size_t length, handle_t message, done_t *);

static _Alignas(16) uint8_t arena[1024];
static size_t used;
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  size_t begin = (used + align - 1) & ~(align - 1);
  if (old != NULL || old_size != 0 || begin > sizeof arena || size > sizeof arena - begin) __builtin_trap();
  used = begin + size;
  return arena + begin;
}

static connected_t connected;
EXPORT("wafer:app/lifecycle@0.1.0#start") done_t *start(void) {
  static done_t done;
  client_connect("", 0, &connected);
  done.is_error = connected.is_error;
  return &done;
}
EXPORT("wafer:app/lifecycle@0.1.0#stop") void stop(void) {}

EXPORT("wasi:messaging/incoming-handler@0.2.0-draft#handle") done_t *handle(handle_t message) {
  static done_t done;
  list_t data;
  used = 0;
  message_data(message, &data);
  message_drop(message);
  if (data.length != 5) __builtin_trap();
  const uint8_t *b = data.bytes;
  uint32_t rounds = b[1] | b[2] << 8 | b[3] << 16 | (uint32_t)b[4] << 24;
  uint32_t sum = run_kernel((char)b[0], rounds);
  send(connected.client, "replies", 7, message_new(&sum, sizeof sum), &done);
  return &done;
}
