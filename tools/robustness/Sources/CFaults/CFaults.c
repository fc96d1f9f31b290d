#define _GNU_SOURCE
#include "CFaults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// The real work is done by system calls and not by the functions that are stood in front of, so no
// symbol has to be looked up, and no other library can come in between. The C library's own use of
// these calls (fopen, for one) does not pass through here.

#define TRACKED 65536

static _Atomic(struct faults_control *) control;
static char folder[512];
static size_t folder_length;
// What a descriptor leads to: 0 none of ours, else as `file` of the control file.
static _Atomic unsigned char files[TRACKED];

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv(FAULTS_CONTROL), *place = getenv(FAULTS_FOLDER);
  const char *program = getenv(FAULTS_PROGRAM);
  if (!path || !place || strlen(place) >= sizeof folder) return;
  if (strcmp(program_invocation_short_name, program ? program : "assayd") != 0) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *shared = mmap(NULL, sizeof(struct faults_control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (shared == MAP_FAILED) return;
  strcpy(folder, place);
  folder_length = strlen(folder);
  atomic_store(&control, (struct faults_control *)shared);
}

static int is_inside(const char *path) {
  return folder_length > 0 && strncmp(path, folder, folder_length) == 0
    && (path[folder_length] == '/' || path[folder_length] == 0);
}

static int ends(const char *text, const char *end) {
  size_t length = strlen(text), wanted = strlen(end);
  return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static unsigned char file_of(const char *path) {
  if (!is_inside(path)) return 0;
  if (ends(path, "/assay.db")) return 2;
  if (ends(path, "/assay.db-wal")) return 3;
  return ends(path, "/assay.db-shm") ? 4 : 1;
}

static unsigned char file_at(int fd) {
  return fd >= 0 && fd < TRACKED ? atomic_load(&files[fd]) : 0;
}

static int track(int fd, const char *path) {
  if (fd >= 0 && fd < TRACKED) atomic_store(&files[fd], path ? file_of(path) : 0);
  return fd;
}

// The errno that this call fails with, or 0.
static int failure(enum faults_kind kind, unsigned char file) {
  struct faults_control *c = atomic_load(&control);
  if (!c || file == 0) return 0;
  if (!(__atomic_load_n(&c->kinds, __ATOMIC_SEQ_CST) & kind)) return 0;
  int64_t number = __atomic_add_fetch(&c->calls, 1, __ATOMIC_SEQ_CST);
  int64_t which = __atomic_load_n(&c->which, __ATOMIC_SEQ_CST);
  if (number < which || (number > which && !__atomic_load_n(&c->stays, __ATOMIC_SEQ_CST))) return 0;
  int64_t error = __atomic_load_n(&c->error, __ATOMIC_SEQ_CST);
  if (error < 0) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  if (__atomic_fetch_add(&c->failed, 1, __ATOMIC_SEQ_CST) == 0) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    __atomic_store_n(&c->file, file, __ATOMIC_SEQ_CST);
    __atomic_store_n(&c->time, (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, __ATOMIC_SEQ_CST);
  }
  return (int)error;
}

#define FAIL_IF(kind, file)                \
  do {                                     \
    int error_ = failure((kind), (file));  \
    if (error_) {                          \
      errno = error_;                      \
      return -1;                           \
    }                                      \
  } while (0)

// A write that fails may have done half of its work.

ssize_t write(int fd, const void *bytes, size_t count) {
  int error = failure(faults_write, file_at(fd));
  if (!error) return syscall(SYS_write, fd, bytes, count);
  if (count > 1) syscall(SYS_write, fd, bytes, count / 2);
  errno = error;
  return -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  int error = failure(faults_write, file_at(fd));
  if (!error) return syscall(SYS_pwrite64, fd, bytes, count, offset);
  if (count > 1) syscall(SYS_pwrite64, fd, bytes, count / 2, offset);
  errno = error;
  return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  return pwrite64(fd, bytes, count, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  FAIL_IF(faults_write, file_at(fd));
  return syscall(SYS_writev, fd, parts, count);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  FAIL_IF(faults_write, file_at(fd));
  return syscall(SYS_pwritev, fd, parts, count, (long)offset, (long)((uint64_t)offset >> 32));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  return pwritev64(fd, parts, count, offset);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
  FAIL_IF(faults_write, file_at(fd));
  return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  return fallocate64(fd, mode, offset, length);
}

// Returns its error instead of setting errno.
int posix_fallocate64(int fd, off64_t offset, off64_t length) {
  int saved = errno;
  int result = fallocate64(fd, 0, offset, length) < 0 ? errno : 0;
  errno = saved;
  return result;
}

int posix_fallocate(int fd, off_t offset, off_t length) {
  return posix_fallocate64(fd, offset, length);
}

int fsync(int fd) {
  FAIL_IF(faults_sync, file_at(fd));
  return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
  FAIL_IF(faults_sync, file_at(fd));
  return (int)syscall(SYS_fdatasync, fd);
}

static int open_at(int folder_fd, const char *path, int flags, mode_t mode) {
  FAIL_IF(faults_open, file_of(path));
  return track((int)syscall(SYS_openat, folder_fd, path, flags, mode), path);
}

// Only these flags make that a mode follows.
#define HAS_MODE(flags) (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE)
#define READ_MODE(flags, mode)       \
  mode_t mode = 0;                   \
  if (HAS_MODE(flags)) {             \
    va_list rest;                    \
    va_start(rest, flags);           \
    mode = (mode_t)va_arg(rest, int); \
    va_end(rest);                    \
  }

int open(const char *path, int flags, ...) {
  READ_MODE(flags, mode)
  return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  READ_MODE(flags, mode)
  return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int folder_fd, const char *path, int flags, ...) {
  READ_MODE(flags, mode)
  return open_at(folder_fd, path, flags, mode);
}

int openat64(int folder_fd, const char *path, int flags, ...) {
  READ_MODE(flags, mode)
  return open_at(folder_fd, path, flags, mode);
}

int creat(const char *path, mode_t mode) {
  return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode) { return creat(path, mode); }

// A number that is free again must not count as the file that it was.
int close(int fd) {
  track(fd, NULL);
  return (int)syscall(SYS_close, fd);
}

static unsigned char either(const char *one, const char *other) {
  unsigned char file = file_of(one);
  return file ? file : file_of(other);
}

int rename(const char *from, const char *to) {
  FAIL_IF(faults_rename, either(from, to));
  return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to) {
  FAIL_IF(faults_rename, either(from, to));
  return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) {
  FAIL_IF(faults_rename, either(from, to));
  return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int link(const char *from, const char *to) {
  FAIL_IF(faults_rename, either(from, to));
  return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int ftruncate64(int fd, off64_t length) {
  FAIL_IF(faults_truncate, file_at(fd));
  return (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int truncate64(const char *path, off64_t length) {
  FAIL_IF(faults_truncate, file_of(path));
  return (int)syscall(SYS_truncate, path, length);
}

int truncate(const char *path, off_t length) { return truncate64(path, length); }

int unlink(const char *path) {
  FAIL_IF(faults_unlink, file_of(path));
  return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int unlinkat(int folder_fd, const char *path, int flags) {
  FAIL_IF(faults_unlink, file_of(path));
  return (int)syscall(SYS_unlinkat, folder_fd, path, flags);
}
