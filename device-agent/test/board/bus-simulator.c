/*
 * A bus simulator: stands in for the kernel's GPIO character device (v2) and for /dev/i2c-1, at the level of
 * their ioctls. It is loaded in place of the C library's open, close, ioctl and poll, by LD_PRELOAD or by name;
 * whatever is not its own goes on to the real ones. Its boards are files: a test maps the same file, presses
 * buttons in it and looks at lamps (state.ts has the layout).
 *
 * Built without headers and C library, so that it can be made for any architecture on any machine:
 *
 *     clang --target=riscv64-linux-gnu -shared -fPIC -nostdlib -ffreestanding -O2 -fuse-ld=lld
 *
 * Structures are those of include/uapi/linux/gpio.h and i2c-dev.h. Not simulated: debouncing, several lines in
 * a request, ten-bit addresses.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long size_t;

#define LINES 64
#define LOG 1024
#define DEVICES 4
#define KEPT_FDS 128
#define EVENT_BYTES 48

enum { ENOENT_ = 2, EIO_ = 5, ENXIO_ = 6, EBUSY_ = 16, EINVAL_ = 22, ENOTTY_ = 25 };

/* What a test sees. Levels are those of the wire. */
struct line {
  u8 level, direction, bias, active_low; /* direction: 0 free, 1 in, 2 out */
  u32 owner;                             /* process that has it */
  u32 requests;                          /* how often it was taken */
  u32 changes;                           /* how often an output changed */
};
struct device {
  u8 address, pointer, has_driver, pad;
  u32 fails_with; /* errno of every transaction with it; 0 for none */
  u32 delay_ms;
  u32 transactions;
  u8 registers[256][4];
};
struct state {
  u32 magic, lines;
  volatile u32 inputs; /* entries of the log so far */
  u32 edges_fail;      /* errno of asking for edges; 0 for none */
  struct line line[LINES];
  struct { u16 line, level; } log[LOG];
  struct device device[DEVICES];
  u8 wire[LINES]; /* the input that an output is tied to, and one; 0 where it is tied to nothing */
};

struct config { u64 flags; u32 num_attrs; u32 padding[5]; struct { u32 id, pad; u64 value, mask; } attrs[10]; };
struct request { u32 offsets[64]; char consumer[32]; struct config config; u32 num_lines, buffer; u32 padding[5]; int fd; };
struct values { u64 bits, mask; };
struct event { u64 timestamp_ns; u32 id, offset, seqno, line_seqno; u32 padding[6]; };
struct message { u16 addr, flags, len; u8 *buf; };
struct transfer { struct message *msgs; u32 nmsgs; };
struct pollfd { int fd; short events, revents; };
struct timespec { long sec, nsec; };

extern void *dlsym(void *, const char *);
extern char *getenv(const char *);
extern void *mmap(void *, size_t, int, int, int, long);
extern int *__errno_location(void);
extern int pipe2(int *, int);
extern long write(int, const void *, size_t);
extern long read(int, void *, size_t);
extern int getpid(void);
extern int kill(int, int);
extern int clock_gettime(int, struct timespec *);
extern int nanosleep(const struct timespec *, struct timespec *);

#define RTLD_NEXT ((void *)-1l)
#define REAL(name, type) ((type)real(&next_##name, #name))
typedef int (*open_t)(const char *, int, u32);
typedef int (*close_t)(int);
typedef int (*ioctl_t)(int, size_t, void *);
typedef int (*poll_t)(struct pollfd *, size_t, int);
static void *next_open, *next_close, *next_ioctl, *next_poll;
static void *real(void **kept, const char *name) {
  if (!*kept) *kept = dlsym(RTLD_NEXT, name);
  /* Loaded by name, nothing is next; then it stands in for nobody but who asked for it. */
  if (!*kept) *kept = dlsym(0, name);
  return *kept;
}

enum kind { NONE, CHIP, LINE, BUS };
static struct held {
  enum kind kind;
  int fd, events; /* of a line: the writing end of its events */
  u32 line, buffer, seqno, pending, seen, slave;
  u64 flags;
} held[KEPT_FDS];
static struct state *state;
static volatile int lock;

static void enter(void) { while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) {} }
static void leave(void) { __atomic_store_n(&lock, 0, __ATOMIC_RELEASE); }
static int fail(int error) { *__errno_location() = error; return -1; }

static int same(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}
static struct held *find(int fd) {
  for (int i = 0; i < KEPT_FDS; i++) if (held[i].kind && held[i].fd == fd) return &held[i];
  return 0;
}
static struct held *keep(enum kind kind, int fd) {
  for (int i = 0; i < KEPT_FDS; i++) {
    if (held[i].kind) continue;
    held[i] = (struct held){ .kind = kind, .fd = fd, .events = -1 };
    return &held[i];
  }
  return 0;
}

static struct state *attach(void) {
  const char *path = state ? 0 : getenv("WAFER_BUS_SIMULATOR");
  if (!path) return state;
  int fd = REAL(open, open_t)(path, 2, 0);
  if (fd < 0) return 0;
  void *mapped = mmap(0, sizeof *state, 3 /* read, write */, 1 /* shared */, fd, 0);
  REAL(close, close_t)(fd);
  if (mapped != (void *)-1l) state = mapped;
  return state;
}

static int is_active(const struct held *h) { return state->line[h->line].level != ((h->flags >> 1) & 1); }

/* Turns what was entered in the log since the last look into events of the lines that want edges. */
static void pump(void) {
  if (!state) return;
  for (int i = 0; i < KEPT_FDS; i++) {
    struct held *h = &held[i];
    if (h->kind != LINE) continue;
    for (; h->seen != state->inputs; h->seen++) {
      u32 at = h->seen % LOG, active = state->log[at].level != ((h->flags >> 1) & 1);
      if (state->log[at].line != h->line || !(h->flags & (active ? 1 << 4 : 1 << 5))) continue;
      struct timespec now;
      clock_gettime(1, &now);
      int waiting = 0;
      REAL(ioctl, ioctl_t)(h->fd, 0x541b /* FIONREAD */, &waiting);
      struct event event = { .timestamp_ns = (u64)now.sec * 1000000000u + now.nsec, .id = active ? 1 : 2, .offset = h->line };
      /* As the kernel does it: the oldest goes. */
      if (waiting / EVENT_BYTES >= (int)h->buffer) { struct event oldest; read(h->fd, &oldest, EVENT_BYTES); }
      event.seqno = event.line_seqno = ++h->seqno;
      write(h->events, &event, EVENT_BYTES);
    }
  }
}

static void drive(struct held *h, int active) {
  struct line *line = &state->line[h->line];
  u8 level = (active != 0) != ((h->flags >> 1) & 1);
  if (line->level == level) return;
  line->changes++;
  line->level = level;
  if (!state->wire[h->line]) return;
  u32 input = state->wire[h->line] - 1, at = state->inputs % LOG;
  state->line[input].level = level;
  state->log[at].line = input;
  state->log[at].level = level;
  state->inputs++;
}

static int configure(struct held *h, const struct config *config) {
  if ((config->flags & (3 << 4)) && state->edges_fail) return fail(state->edges_fail);
  if (!(config->flags & (1 << 2)) == !(config->flags & (1 << 3))) return fail(EINVAL_);
  struct line *line = &state->line[h->line];
  h->flags = config->flags;
  line->direction = config->flags & (1 << 3) ? 2 : 1;
  line->active_low = (config->flags >> 1) & 1;
  line->bias = config->flags & (1 << 8) ? 1 : config->flags & (1 << 9) ? 2 : config->flags & (1 << 10) ? 3 : 0;
  if (line->direction != 2) return 0;
  u64 value = 0;
  for (u32 i = 0; i < config->num_attrs && i < 10; i++) if (config->attrs[i].id == 2) value = config->attrs[i].value;
  drive(h, value & 1);
  return 0;
}

static int request_line(struct request *request) {
  u32 offset = request->offsets[0];
  if (request->num_lines != 1 || offset >= state->lines) return fail(EINVAL_);
  struct line *line = &state->line[offset];
  if (line->owner && (line->owner == (u32)getpid() || kill(line->owner, 0) == 0)) return fail(EBUSY_);
  int ends[2];
  if (pipe2(ends, 04000 | 02000000) < 0) return -1;
  struct held *h = keep(LINE, ends[0]);
  h->events = ends[1];
  h->line = offset;
  h->buffer = request->buffer ? request->buffer : 16;
  h->seen = state->inputs;
  line->owner = getpid();
  line->requests++;
  request->fd = ends[0];
  return configure(h, &request->config);
}

static int transact(struct transfer *transfer) {
  for (u32 i = 0; i < transfer->nmsgs; i++) {
    struct message *message = &transfer->msgs[i];
    struct device *device = 0;
    for (int d = 0; d < DEVICES; d++) if (state->device[d].address && state->device[d].address == message->addr) device = &state->device[d];
    if (!device) return fail(ENXIO_);
    if (i == 0) {
      device->transactions++;
      struct timespec delay = { device->delay_ms / 1000, (device->delay_ms % 1000) * 1000000l };
      leave();
      if (device->delay_ms) nanosleep(&delay, 0);
      enter();
      if (device->fails_with) return fail(device->fails_with);
    }
    for (u32 at = 0; at < message->len; at++) {
      if (message->flags & 1) message->buf[at] = device->registers[device->pointer][at % 4];
      else if (at == 0) device->pointer = message->buf[0];
      else device->registers[device->pointer][(at - 1) % 4] = message->buf[at];
    }
  }
  return transfer->nmsgs;
}

static int control(struct held *h, u32 number, void *argument) {
  switch (h->kind) {
    case CHIP:
      return number == 0xc250b407 ? request_line(argument) : fail(ENOTTY_);
    case LINE: {
      struct values *values = argument;
      if (number == 0xc110b40d) return configure(h, argument);
      if (number == 0xc010b40e) return values->bits = is_active(h), 0;
      if (number != 0xc010b40f) return fail(ENOTTY_);
      if (state->line[h->line].direction != 2) return fail(1 /* EPERM */);
      return drive(h, values->bits & values->mask & 1), 0;
    }
    case BUS:
      if (number == 0x0703) {
        for (int d = 0; d < DEVICES; d++)
          if (state->device[d].address == (size_t)argument && state->device[d].has_driver) return fail(EBUSY_);
        return 0;
      }
      return number == 0x0707 ? transact(argument) : fail(ENOTTY_);
    default:
      return fail(EINVAL_);
  }
}

int open(const char *path, int flags, u32 mode) {
  enum kind kind = same(path, "/dev/gpiochip0") ? CHIP : same(path, "/dev/i2c-1") ? BUS : NONE;
  if (!kind || !attach()) return REAL(open, open_t)(path, flags, mode);
  int fd = REAL(open, open_t)("/dev/null", 2 | 02000000, 0);
  enter();
  keep(kind, fd);
  leave();
  return fd;
}

int close(int fd) {
  enter();
  struct held *h = find(fd);
  if (h) {
    if (h->kind == LINE) {
      state->line[h->line].owner = 0;
      state->line[h->line].direction = 0;
      REAL(close, close_t)(h->events);
    }
    h->kind = NONE;
  }
  leave();
  return REAL(close, close_t)(fd);
}

int ioctl(int fd, size_t number, void *argument) {
  enter();
  struct held *h = find(fd);
  int result = h ? control(h, (u32)number, argument) : 0;
  leave();
  return h ? result : REAL(ioctl, ioctl_t)(fd, number, argument);
}

/* Whoever waits for a line looks at the log every two milliseconds. */
int poll(struct pollfd *fds, size_t count, int timeout) {
  int is_ours = 0;
  enter();
  for (size_t i = 0; i < count && !is_ours; i++) is_ours = fds[i].fd >= 0 && find(fds[i].fd) != 0;
  leave();
  if (!is_ours) return REAL(poll, poll_t)(fds, count, timeout);
  for (int waited = 0;; waited += 2) {
    enter();
    pump();
    leave();
    int left = timeout < 0 || timeout - waited > 2 ? 2 : timeout - waited;
    int ready = REAL(poll, poll_t)(fds, count, left > 0 ? left : 0);
    if (ready != 0 || (timeout >= 0 && waited >= timeout)) return ready;
  }
}
