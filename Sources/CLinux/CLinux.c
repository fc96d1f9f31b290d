// The calls behind CLinux.h. System calls newer than the oldest supported C library are made by
// number; a process is started with vfork, whose child touches nothing but its own descriptors,
// signals and one word that tells the parent why it failed.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static int result(int value) { return value < 0 ? -errno : value; }

int clinux_peer_credentials(int socket, struct clinux_peer *peer) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
  peer->pid = credentials.pid;
  peer->uid = credentials.uid;
  peer->gid = credentials.gid;
  return 0;
}

int clinux_set_child_subreaper(void) { return result(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); }

int clinux_set_parent_death_signal(int signal) {
  return result(prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0));
}

int clinux_set_thread_name(const char *name) { return -pthread_setname_np(pthread_self(), name); }

void clinux_trim_memory(void) { malloc_trim(0); }

int clinux_cpu_seconds(int of_children, double *user, double *system) {
  struct rusage usage;
  if (getrusage(of_children ? RUSAGE_CHILDREN : RUSAGE_SELF, &usage) < 0) return -errno;
  *user = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
  *system = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
  return 0;
}

int clinux_keep_freed_memory(int bytes) {
  return mallopt(M_MMAP_THRESHOLD, bytes) && mallopt(M_TRIM_THRESHOLD, 4 * bytes) ? 0 : -EINVAL;
}

int64_t clinux_boot_nanoseconds(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_BOOTTIME, &now) < 0) return 0;
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clinux_ticks_per_second(void) {
  long ticks = sysconf(_SC_CLK_TCK);
  return ticks > 0 ? ticks : 100;
}

static int lock(int fd, int operation) {
  int value;
  do value = flock(fd, operation | LOCK_NB);
  while (value < 0 && errno == EINTR);
  return result(value);
}

int clinux_lock_exclusive(int fd) { return lock(fd, LOCK_EX); }

int clinux_lock_shared(int fd) { return lock(fd, LOCK_SH); }

int clinux_close_on_exec(int fd) { return result(fcntl(fd, F_SETFD, FD_CLOEXEC)); }

int clinux_pidfd_open(pid_t pid) { return result((int)syscall(SYS_pidfd_open, pid, 0)); }

int clinux_pidfd_send_signal(int pidfd, int signal) {
  return result((int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int clinux_reap(pid_t pid, struct clinux_exit *exit) {
  int status;
  pid_t reaped;
  do reaped = waitpid(pid, &status, WNOHANG);
  while (reaped < 0 && errno == EINTR);
  if (reaped < 0) return -errno;
  if (reaped == 0) return 0;
  exit->signalled = WIFSIGNALED(status);
  exit->value = exit->signalled ? WTERMSIG(status) : WEXITSTATUS(status);
  return 1;
}

// Closes every descriptor from `first` on. Kernels before 5.9 and some sandboxes have no
// close_range.
static void close_from(int first) {
  if (syscall(SYS_close_range, (unsigned)first, ~0U, 0) == 0) return;
  struct rlimit limit;
  int last = 65536;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)last)
    last = (int)limit.rlim_cur;
  for (int fd = first; fd < last; fd++) close(fd);
}

// What the child does before exec. Only async-signal-safe calls: it shares the parent's memory.
static enum clinux_spawn_step prepare_and_exec(const struct clinux_spawn_order *order) {
  if (setsid() < 0) return clinux_spawn_session;
  if (order->directory && chdir(order->directory) < 0) return clinux_spawn_directory;

  // First out of the way of 0...3, since a given descriptor may be one of them.
  int output = fcntl(order->output_fd, F_DUPFD, 10);
  int lock = order->lock_fd < 0 ? -1 : fcntl(order->lock_fd, F_DUPFD, 10);
  int null = open("/dev/null", O_RDONLY);
  if (output < 0 || null < 0 || (order->lock_fd >= 0 && lock < 0)) return clinux_spawn_descriptors;
  if (null != 0 && dup2(null, 0) < 0) return clinux_spawn_descriptors;
  if (dup2(output, 1) < 0 || dup2(output, 2) < 0) return clinux_spawn_descriptors;
  if (lock >= 0 && dup2(lock, 3) < 0) return clinux_spawn_descriptors;
  close_from(lock >= 0 ? 4 : 3);

  // Handlers end with exec, but ignored signals (SIGPIPE in servers) would stay ignored. By number,
  // since the C library refuses to touch the two it keeps for itself; zeros mean SIG_DFL, no flags
  // and an empty mask in every layout of the kernel's structure.
  const uint64_t standard[8] = {0};
  for (int number = 1; number <= 64; number++)
    syscall(SYS_rt_sigaction, number, standard, NULL, sizeof(uint64_t));
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, NULL);

  execve(order->program, order->argv, order->envp);
  return clinux_spawn_exec;
}

pid_t clinux_spawn(const struct clinux_spawn_order *order, enum clinux_spawn_step *failed) {
  // Written by the child in the parent's memory; the parent sleeps until the child has executed
  // the program or ended.
  volatile int child_errno = 0;
  volatile enum clinux_spawn_step step = clinux_spawn_fork;

  // No handler of the parent may run in the child while they share memory.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = vfork();
  if (pid == 0) {
    step = prepare_and_exec(order);
    child_errno = errno;
    _exit(127);
  }
  int fork_errno = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);

  *failed = step;
  if (pid < 0) return -fork_errno;
  if (child_errno != 0) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return -child_errno;
  }
  return pid;
}

int clinux_epoll_create(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

int clinux_epoll_add(int epoll, int fd, uint64_t id) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data = {.u64 = id}};
  return result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
}

int clinux_epoll_remove(int epoll, int fd) {
  return result(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL));
}

int clinux_epoll_wait(int epoll, uint64_t *ids, int capacity) {
  struct epoll_event events[64];
  int count = epoll_wait(epoll, events, capacity < 64 ? capacity : 64, -1);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  for (int index = 0; index < count; index++) ids[index] = events[index].data.u64;
  return count;
}

int clinux_eventfd(void) { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int clinux_eventfd_signal(int fd) {
  uint64_t one = 1;
  ssize_t written;
  do written = write(fd, &one, sizeof one);
  while (written < 0 && errno == EINTR);
  return written < 0 && errno != EAGAIN ? -errno : 0;
}
