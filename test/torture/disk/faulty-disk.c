/*
 * Stands between a program and the files of one directory (LD_PRELOAD): writes down what it does to them, and makes the
 * calls fail or wait that it is told to.
 *
 *   FAULTY_DISK_DIRECTORY  the directory, as the program names it
 *   FAULTY_DISK_CONTROL    a file of `struct control`, shared with whoever steers, who may change it at any time
 *   FAULTY_DISK_JOURNAL    optional: the file to which a record is appended for each change, when it has happened; for a
 *                          write just before: were the program killed in between, the next one would build on what is on
 *                          the disk, and nobody had written down. Until it is synced, what was written may be missing anyway
 *
 * faulty-disk.ts and disk-journal.ts are the other ends of both.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OP_WRITE = 1, OP_TRUNCATE, OP_SYNC, OP_ENTER, OP_REMOVE, OP_RENAME, OP_SYNC_DIRECTORY, OP_LOG_INDEX };

/* Bits of `calls`. */
enum { CALL_WRITE = 1, CALL_SYNC = 2, CALL_READ = 4, CALL_CREATE = 8, CALL_TRUNCATE = 16 };

/* Bits of `files`. */
enum { FILE_DATABASE = 1, FILE_LOG = 2, FILE_LOG_INDEX = 4, FILE_OTHER = 8 };

struct control {
  uint32_t calls;         /* which may fail */
  uint32_t files;         /* on which files */
  uint32_t error;         /* with which errno */
  uint32_t per_thousand;  /* how many of them */
  uint32_t at_most;       /* so many more; counted down */
  uint32_t sync_delay_ms; /* how long each sync takes */
  uint32_t short_writes;  /* of a thousand writes, so many write only a part */
  uint32_t random;        /* state of the generator */
  uint32_t failed;        /* how many calls have failed */
  uint32_t shortened;
  uint32_t synced;
};

struct record {
  uint32_t op;
  uint32_t length; /* of what follows: bytes written, or a name, or two names with a 0 between */
  uint64_t file;   /* its inode: what it is called may change */
  uint64_t number; /* offset of a write, length of what is truncated */
};

#define MOST_FILES 4096
static struct { uint64_t file; uint32_t kind; } files[MOST_FILES]; /* by descriptor; kind 0: not ours */
#define KIND_DIRECTORY 0x80000000u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *directory;
static size_t directory_length;
static int journal = -1;
static struct control *control;
static char log_index[4096];

static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);
static int (*real_link)(const char *, const char *);

__attribute__((constructor)) static void begin(void) {
  real_openat = dlsym(RTLD_NEXT, "openat");
  real_close = dlsym(RTLD_NEXT, "close");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_read = dlsym(RTLD_NEXT, "read");
  real_pread = dlsym(RTLD_NEXT, "pread64");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_link = dlsym(RTLD_NEXT, "link");
  const char *steering = getenv("FAULTY_DISK_CONTROL");
  const char *written = getenv("FAULTY_DISK_JOURNAL");
  int descriptor = steering == NULL ? -1 : real_openat(AT_FDCWD, steering, O_RDWR | O_CLOEXEC);
  if (descriptor == -1) return;
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  real_close(descriptor);
  if (control == MAP_FAILED) abort();
  if (written != NULL) journal = real_openat(AT_FDCWD, written, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  directory = getenv("FAULTY_DISK_DIRECTORY");
  directory_length = directory == NULL ? 0 : strlen(directory);
  snprintf(log_index, sizeof log_index, "%s/bantam.db-shm", directory == NULL ? "" : directory);
}

/* What a path names within the directory; "" for itself, NULL for anything else. */
static const char *within(const char *path) {
  if (directory == NULL || path == NULL || strncmp(path, directory, directory_length) != 0) return NULL;
  const char *rest = path + directory_length;
  if (rest[0] == 0) return rest;
  return rest[0] == '/' && strchr(rest + 1, '/') == NULL ? rest + 1 : NULL;
}

static uint32_t kind_of(const char *name) {
  if (name[0] == 0) return KIND_DIRECTORY;
  if (strcmp(name, "bantam.db") == 0) return FILE_DATABASE;
  if (strcmp(name, "bantam.db-wal") == 0) return FILE_LOG;
  if (strcmp(name, "bantam.db-shm") == 0) return FILE_LOG_INDEX;
  return FILE_OTHER;
}

static uint32_t kind(int descriptor) {
  return descriptor >= 0 && descriptor < MOST_FILES ? files[descriptor].kind : 0;
}

/* The same of one that may have been opened past us, as the runtime does it. Slow: not for what is called often. */
static uint32_t kind_anyway(int descriptor) {
  char link[64], path[4096];
  if (kind(descriptor) != 0 || descriptor < 0 || descriptor >= MOST_FILES) return kind(descriptor);
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  const char *name = within(path);
  struct stat found;
  if (name == NULL || fstat(descriptor, &found) != 0) return 0;
  /* It is closed past us as well, so nothing of it is kept but for this call. */
  files[descriptor].file = found.st_ino;
  return kind_of(name);
}

/* True once in 1000 / `per_thousand` times. */
static int chance(uint32_t per_thousand) {
  if (per_thousand == 0) return 0;
  control->random = control->random * 1664525u + 1013904223u;
  return (control->random >> 8) % 1000 < per_thousand;
}

/* Whether this call is to fail; then errno says with what. */
static int fails(uint32_t call, uint32_t of) {
  if (control == NULL || (control->calls & call) == 0 || (control->files & of) == 0) return 0;
  pthread_mutex_lock(&lock);
  int failing = control->at_most > 0 && chance(control->per_thousand);
  if (failing) {
    control->at_most -= 1;
    control->failed += 1;
  }
  pthread_mutex_unlock(&lock);
  if (failing) errno = (int)control->error;
  return failing;
}

static void append(uint32_t op, uint64_t file, uint64_t number, const void *bytes, size_t length) {
  if (journal == -1) return;
  struct record record = {op, (uint32_t)length, file, number};
  struct iovec parts[] = {{&record, sizeof record}, {(void *)bytes, length}};
  /* Past our own wrappers, and at one go, so that no two processes mix. */
  if (syscall(SYS_writev, journal, parts, 2) != (long)(sizeof record + length)) abort();
}

/* The index of the log is mapped into memory, so what is written to it is not seen: its head, as it stands now. */
static void append_log_index(void) {
  static char last[136];
  char head[136];
  if (journal == -1) return;
  int descriptor = real_openat(AT_FDCWD, log_index, O_RDONLY | O_CLOEXEC);
  if (descriptor == -1) return;
  ssize_t length = real_pread(descriptor, head, sizeof head, 0);
  real_close(descriptor);
  if (length != sizeof head || memcmp(head, last, sizeof head) == 0) return;
  memcpy(last, head, sizeof head);
  append(OP_LOG_INDEX, 0, 0, head, sizeof head);
}

static void record(uint32_t op, uint64_t file, uint64_t number, const void *bytes, size_t length) {
  if (journal == -1) return;
  int before = errno;
  pthread_mutex_lock(&lock);
  append(op, file, number, bytes, length);
  if (op == OP_WRITE || op == OP_SYNC) append_log_index();
  pthread_mutex_unlock(&lock);
  errno = before;
}

static int opened(int descriptor, const char *path, int flags) {
  const char *name = within(path);
  if (descriptor < 0 || descriptor >= MOST_FILES || name == NULL) return descriptor;
  struct stat found;
  if (fstat(descriptor, &found) != 0) abort();
  files[descriptor].file = found.st_ino;
  files[descriptor].kind = kind_of(name);
  /* Even if it was there: it may have been made past us. */
  if (name[0] != 0) record(OP_ENTER, found.st_ino, 0, name, strlen(name));
  if ((flags & O_TRUNC) != 0) record(OP_TRUNCATE, found.st_ino, 0, NULL, 0);
  return descriptor;
}

static int open_file(const char *path, int flags, mode_t mode) {
  const char *name = within(path);
  /* A disk that takes no new file takes no old one to write to either. */
  int is_for_writing = (flags & (O_CREAT | O_WRONLY | O_RDWR)) != 0;
  if (name != NULL && is_for_writing && fails(CALL_CREATE, kind_of(name))) return -1;
  return opened(real_openat(AT_FDCWD, path, flags, mode), path, flags);
}

#define MODE(flags)                                                      \
  mode_t mode = 0;                                                       \
  if ((flags & O_CREAT) != 0) {                                          \
    va_list rest;                                                        \
    va_start(rest, flags);                                               \
    mode = va_arg(rest, mode_t);                                         \
    va_end(rest);                                                        \
  }

int open(const char *path, int flags, ...) { MODE(flags) return open_file(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_file(path, flags | O_LARGEFILE, mode); }
int openat(int at, const char *path, int flags, ...) {
  MODE(flags)
  return at == AT_FDCWD ? open_file(path, flags, mode) : real_openat(at, path, flags, mode);
}
int openat64(int at, const char *path, int flags, ...) { MODE(flags) return openat(at, path, flags | O_LARGEFILE, mode); }

int close(int descriptor) {
  if (kind(descriptor) != 0) files[descriptor].kind = 0;
  return real_close(descriptor);
}

static size_t allowed(size_t length) {
  if (control == NULL || length < 2 || control->short_writes == 0) return length;
  pthread_mutex_lock(&lock);
  int shortened = chance(control->short_writes);
  if (shortened) control->shortened += 1;
  pthread_mutex_unlock(&lock);
  return shortened ? length / 2 : length;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off_t offset) {
  uint32_t of = kind(descriptor);
  if (of == 0) return real_pwrite(descriptor, bytes, length, offset);
  if (fails(CALL_WRITE, of)) return -1;
  length = allowed(length);
  record(OP_WRITE, files[descriptor].file, (uint64_t)offset, bytes, length);
  ssize_t written = real_pwrite(descriptor, bytes, length, offset);
  /* What was written down would be wrong. */
  if (journal != -1 && written != (ssize_t)length) abort();
  return written;
}
ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset) {
  return pwrite64(descriptor, bytes, length, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
  uint32_t of = kind(descriptor);
  if (of == 0) return real_write(descriptor, bytes, length);
  if (fails(CALL_WRITE, of)) return -1;
  ssize_t written = real_write(descriptor, bytes, allowed(length));
  if (written > 0) {
    off_t end = lseek(descriptor, 0, SEEK_CUR);
    record(OP_WRITE, files[descriptor].file, (uint64_t)(end - written), bytes, (size_t)written);
  }
  return written;
}

ssize_t pread64(int descriptor, void *bytes, size_t length, off_t offset) {
  uint32_t of = kind(descriptor);
  if (of != 0 && fails(CALL_READ, of)) return -1;
  return real_pread(descriptor, bytes, length, offset);
}
ssize_t pread(int descriptor, void *bytes, size_t length, off_t offset) {
  return pread64(descriptor, bytes, length, offset);
}
ssize_t read(int descriptor, void *bytes, size_t length) {
  uint32_t of = kind(descriptor);
  if (of != 0 && fails(CALL_READ, of)) return -1;
  return real_read(descriptor, bytes, length);
}

int ftruncate64(int descriptor, off_t length) {
  uint32_t of = kind_anyway(descriptor);
  if (of == 0) return real_ftruncate(descriptor, length);
  if (fails(CALL_TRUNCATE, of)) return -1;
  int done = real_ftruncate(descriptor, length);
  if (done == 0) record(OP_TRUNCATE, files[descriptor].file, (uint64_t)length, NULL, 0);
  return done;
}
int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }

static int synced(int descriptor, int (*sync)(int)) {
  uint32_t of = kind_anyway(descriptor);
  if (of == 0) return sync(descriptor);
  if (control->sync_delay_ms > 0) {
    struct timespec pause = {control->sync_delay_ms / 1000, control->sync_delay_ms % 1000 * 1000000L};
    nanosleep(&pause, NULL);
  }
  if (fails(CALL_SYNC, of)) return -1;
  __atomic_add_fetch(&control->synced, 1, __ATOMIC_RELAXED);
  int done = sync(descriptor);
  if (done == 0) record(of == KIND_DIRECTORY ? OP_SYNC_DIRECTORY : OP_SYNC, files[descriptor].file, 0, NULL, 0);
  return done;
}
int fsync(int descriptor) { return synced(descriptor, real_fsync); }
int fdatasync(int descriptor) { return synced(descriptor, real_fdatasync); }

int unlink(const char *path) {
  int done = real_unlink(path);
  const char *name = within(path);
  if (done == 0 && name != NULL) record(OP_REMOVE, 0, 0, name, strlen(name));
  return done;
}
int unlinkat(int at, const char *path, int flags) {
  if (at == AT_FDCWD && flags == 0) return unlink(path);
  return (int)syscall(SYS_unlinkat, at, path, flags);
}

int rename(const char *from, const char *to) {
  int done = real_rename(from, to);
  const char *old = within(from), *new = within(to);
  if (done != 0 || old == NULL || new == NULL) return done;
  char names[600];
  int length = snprintf(names, sizeof names, "%s%c%s", old, 0, new);
  record(OP_RENAME, 0, 0, names, (size_t)length);
  return done;
}
int renameat(int from_at, const char *from, int to_at, const char *to) {
  if (from_at == AT_FDCWD && to_at == AT_FDCWD) return rename(from, to);
  return (int)syscall(SYS_renameat2, from_at, from, to_at, to, 0);
}

int link(const char *from, const char *to) {
  int done = real_link(from, to);
  const char *name = within(to);
  struct stat found;
  if (done == 0 && name != NULL && stat(to, &found) == 0) record(OP_ENTER, found.st_ino, 0, name, strlen(name));
  return done;
}
int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
  if (from_at == AT_FDCWD && to_at == AT_FDCWD && flags == 0) return link(from, to);
  return (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
}
