/*
 * The guest of the benchmarks that count guests: a reactor in C that does next to nothing, once a second.
 * Exports are written as the canonical ABI lays them out; a result is answered by its address.
 */
#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(name)))

/* result<_, string> */
typedef struct { uint8_t is_error; const char *text; size_t length; } result_t;

static result_t ok;
static uint32_t beats;

EXPORT("wafer:app/lifecycle@0.1.0#start")
result_t *start(void) { return &ok; }

EXPORT("wafer:app/lifecycle@0.1.0#stop")
void stop(void) {}

EXPORT("wafer:app/timer@0.1.0#tick")
result_t *tick(void) {
  beats += 1;
  return &ok;
}
