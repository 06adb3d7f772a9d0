/*
 * The system calls that pins and buses are made of, for Node: open, close, ioctl, read, write, pipe2 and poll,
 * by Node-API (version 8). Each answers what the kernel answered, or its error as a negative number. ioctl and
 * poll also have a form that runs beside the thread and answers a promise.
 *
 * They are the symbols of the process, so that a simulator may stand in front of the C library
 * (LD_PRELOAD); `use` takes open, close, ioctl and poll from a library by its name.
 *
 * Without headers and C library, so that one machine builds it for every architecture (build.ts). What is
 * declared here is declared in node_api.h, fcntl.h, poll.h and dlfcn.h; it must not be given more memory than
 * `fixed` buffers have: kernel.ts is the only caller.
 */
typedef unsigned long size_t;
typedef long long i64;
typedef unsigned long long u64;
typedef struct env *napi_env;
typedef struct value *napi_value;
typedef struct info *napi_callback_info;
typedef struct work *napi_async_work;
typedef struct deferred *napi_deferred;
typedef struct ref *napi_ref;
typedef napi_value (*callback)(napi_env, napi_callback_info);

extern int napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern int napi_create_function(napi_env, const char *, size_t, callback, void *, napi_value *);
extern int napi_set_named_property(napi_env, napi_value, const char *, napi_value);
extern int napi_typeof(napi_env, napi_value, int *);
extern int napi_get_value_int64(napi_env, napi_value, i64 *);
extern int napi_get_value_string_utf8(napi_env, napi_value, char *, size_t, size_t *);
extern int napi_get_buffer_info(napi_env, napi_value, void **, size_t *);
extern int napi_create_int32(napi_env, int, napi_value *);
extern int napi_create_bigint_uint64(napi_env, u64, napi_value *);
extern int napi_create_string_utf8(napi_env, const char *, size_t, napi_value *);
extern int napi_create_promise(napi_env, napi_deferred *, napi_value *);
extern int napi_resolve_deferred(napi_env, napi_deferred, napi_value);
extern int napi_create_reference(napi_env, napi_value, unsigned, napi_ref *);
extern int napi_delete_reference(napi_env, napi_ref);
extern int napi_create_async_work(napi_env, napi_value, napi_value, void (*)(napi_env, void *),
                                  void (*)(napi_env, int, void *), void *, napi_async_work *);
extern int napi_queue_async_work(napi_env, napi_async_work);
extern int napi_delete_async_work(napi_env, napi_async_work);

extern int open(const char *, int, ...);
extern int close(int);
extern int ioctl(int, size_t, ...);
extern int poll(void *, size_t, int);
extern long read(int, void *, size_t);
extern long write(int, const void *, size_t);
extern int pipe2(int *, int);
extern void *dlopen(const char *, int);
extern void *dlsym(void *, const char *);
extern void *malloc(size_t);
extern void free(void *);
extern int *__errno_location(void);

#define EINVAL 22
#define ENOENT 2
#define NUMBER 3 /* napi_number */
#define RTLD_NOW 2
#define PATH_BYTES 512

static int (*do_open)(const char *, int, ...) = open;
static int (*do_close)(int) = close;
static int (*do_ioctl)(int, size_t, ...) = ioctl;
static int (*do_poll)(void *, size_t, int) = poll;

static napi_value number(napi_env env, long result) {
  napi_value value = 0;
  napi_create_int32(env, (int)result, &value);
  return value;
}

static napi_value answer(napi_env env, long result) { return number(env, result < 0 ? -*__errno_location() : result); }

#define ARGUMENTS(count)                                                                                               \
  napi_value argv[count];                                                                                              \
  size_t argc = count;                                                                                                 \
  if (napi_get_cb_info(env, info, &argc, argv, 0, 0) != 0 || argc != count) return number(env, -EINVAL)
#define INTEGER(name, at)                                                                                              \
  i64 name;                                                                                                            \
  if (napi_get_value_int64(env, argv[at], &name) != 0) return number(env, -EINVAL)
#define BYTES(name, at)                                                                                                \
  void *name;                                                                                                          \
  size_t name##_length;                                                                                                \
  if (napi_get_buffer_info(env, argv[at], &name, &name##_length) != 0) return number(env, -EINVAL)
#define TEXT(name, at)                                                                                                 \
  char name[PATH_BYTES];                                                                                               \
  size_t name##_length;                                                                                                \
  if (napi_get_value_string_utf8(env, argv[at], name, sizeof name, &name##_length) != 0) return number(env, -EINVAL);  \
  if (name##_length >= sizeof name - 1) return number(env, -EINVAL)

/* use(library): its open, close, ioctl and poll instead of the process's, from now on. */
static napi_value use(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  TEXT(path, 0);
  void *library = dlopen(path, RTLD_NOW);
  if (!library) return number(env, -ENOENT);
  do_open = (int (*)(const char *, int, ...))dlsym(library, "open");
  do_close = (int (*)(int))dlsym(library, "close");
  do_ioctl = (int (*)(int, size_t, ...))dlsym(library, "ioctl");
  do_poll = (int (*)(void *, size_t, int))dlsym(library, "poll");
  return number(env, 0);
}

/* open(path, flags) */
static napi_value open_(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  TEXT(path, 0);
  INTEGER(flags, 1);
  return answer(env, do_open(path, (int)flags, 0));
}

/* close(fd) */
static napi_value close_(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  INTEGER(fd, 0);
  return answer(env, do_close((int)fd));
}

/* ioctl(fd, request, bytes or number) */
static napi_value ioctl_(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INTEGER(fd, 0);
  INTEGER(request, 1);
  int type;
  if (napi_typeof(env, argv[2], &type) != 0) return number(env, -EINVAL);
  if (type == NUMBER) {
    INTEGER(argument, 2);
    return answer(env, do_ioctl((int)fd, (size_t)request, (size_t)argument));
  }
  BYTES(bytes, 2);
  return answer(env, do_ioctl((int)fd, (size_t)request, bytes));
}

/* read(fd, bytes), write(fd, bytes) */
static napi_value read_(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INTEGER(fd, 0);
  BYTES(bytes, 1);
  return answer(env, read((int)fd, bytes, bytes_length));
}
static napi_value write_(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  INTEGER(fd, 0);
  BYTES(bytes, 1);
  return answer(env, write((int)fd, bytes, bytes_length));
}

/* pipe(bytes for two descriptors, flags) */
static napi_value pipe_(napi_env env, napi_callback_info info) {
  ARGUMENTS(2);
  BYTES(fds, 0);
  INTEGER(flags, 1);
  return fds_length < 2 * sizeof(int) ? number(env, -EINVAL) : answer(env, pipe2(fds, (int)flags));
}

/* address(bytes), a bigint */
static napi_value address(napi_env env, napi_callback_info info) {
  ARGUMENTS(1);
  BYTES(bytes, 0);
  napi_value value = 0;
  napi_create_bigint_uint64(env, (u64)(size_t)bytes, &value);
  return value;
}

/* One call beside the thread. */
struct job {
  napi_async_work work;
  napi_deferred deferred;
  napi_ref bytes;
  int is_poll, fd, timeout, result;
  size_t request, count;
  void *data;
};

static void run(napi_env env, void *data) {
  (void)env;
  struct job *job = data;
  int result = job->is_poll ? do_poll(job->data, job->count, job->timeout) : do_ioctl(job->fd, job->request, job->data);
  job->result = result < 0 ? -*__errno_location() : result;
}

static void done(napi_env env, int status, void *data) {
  (void)status;
  struct job *job = data;
  napi_resolve_deferred(env, job->deferred, number(env, job->result));
  napi_delete_reference(env, job->bytes);
  napi_delete_async_work(env, job->work);
  free(job);
}

static napi_value start(napi_env env, struct job wanted, napi_value bytes) {
  struct job *job = malloc(sizeof *job);
  if (!job) return number(env, -12 /* ENOMEM */);
  *job = wanted;
  napi_value promise = 0, name = 0;
  napi_create_promise(env, &job->deferred, &promise);
  napi_create_reference(env, bytes, 1, &job->bytes);
  napi_create_string_utf8(env, "wafer:board", 11, &name);
  napi_create_async_work(env, 0, name, run, done, job, &job->work);
  napi_queue_async_work(env, job->work);
  return promise;
}

/* ioctlLater(fd, request, bytes) */
static napi_value ioctl_later(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  INTEGER(fd, 0);
  INTEGER(request, 1);
  BYTES(bytes, 2);
  return start(env, (struct job){ .fd = (int)fd, .request = (size_t)request, .data = bytes }, argv[2]);
}

/* pollLater(bytes of struct pollfd, how many, timeout in ms) */
static napi_value poll_later(napi_env env, napi_callback_info info) {
  ARGUMENTS(3);
  BYTES(fds, 0);
  INTEGER(count, 1);
  INTEGER(timeout, 2);
  if (count < 0 || fds_length / 8 < (size_t)count) return number(env, -EINVAL);
  return start(env, (struct job){ .is_poll = 1, .data = fds, .count = (size_t)count, .timeout = (int)timeout }, argv[0]);
}

int node_api_module_get_api_version_v1(void) { return 8; }

napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  static const struct { const char *name; callback call; } functions[] = {
    { "use", use },       { "open", open_ },   { "close", close_ }, { "ioctl", ioctl_ },           { "read", read_ },
    { "write", write_ },  { "pipe", pipe_ },   { "address", address }, { "ioctlLater", ioctl_later }, { "pollLater", poll_later },
  };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value value = 0;
    napi_create_function(env, functions[i].name, (size_t)-1, functions[i].call, 0, &value);
    napi_set_named_property(env, exports, functions[i].name, value);
  }
  napi_value pointer_bytes = number(env, sizeof(void *));
  napi_set_named_property(env, exports, "pointerBytes", pointer_bytes);
  return exports;
}
