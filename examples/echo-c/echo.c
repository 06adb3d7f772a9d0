/*
 * A reactor in C without a C library: answers each message with the same bytes on `replies`.
 *
 * Imports and exports are written as the canonical ABI lays them out (the component model's
 * CanonicalABI.md, "Flattening" and "Storing"): strings and lists are pointer and length, results that
 * do not fit in one value are written to memory, handles of resources are numbers.
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

/* What the host hands in during one call lies here; the next call begins at the front again. A message
 * holds 64 KiB at most, and a call is handed one message and perhaps the text of an error. */
static _Alignas(16) uint8_t arena[96 * 1024];
static size_t used;

EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  size_t at = (used + align - 1) & ~(align - 1);
  /* Lists and strings of WIT are allocated once and never grown. */
  if (old != NULL || old_size != 0 || at > sizeof arena || size > sizeof arena - at) __builtin_trap();
  used = at + size;
  return arena + at;
}

static const char REPLIES[] = "replies";
static handle_t client;

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
  list_t data;
  used = 0;
  message_data(message, &data);
  message_drop(message);
  /* The reply becomes the host's with the call, whatever comes of it. */
  send(client, REPLIES, sizeof REPLIES - 1, message_new(data.bytes, data.length), &done);
  return &done;
}
