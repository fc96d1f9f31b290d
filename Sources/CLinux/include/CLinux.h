// Linux calls that Swift cannot reach by itself: variadic ones, those without a libc wrapper, and
// starting a process. Every function that can fail returns a negative errno then, never sets or
// reads `errno` for the caller, and opens descriptors with FD_CLOEXEC.
#ifndef CLINUX_H
#define CLINUX_H

#include <stdint.h>
#include <sys/types.h>

#include "CommandSpawn.h"

#pragma clang assume_nonnull begin

// MARK: Peers and the process itself

/// Who is at the other end of a Unix socket, as the kernel saw it when the connection was made.
struct clinux_peer {
  pid_t pid;
  uid_t uid;
  gid_t gid;
};

/// SO_PEERCRED of a connected Unix socket. Returns 0 or -errno.
int clinux_peer_credentials(int socket, struct clinux_peer *peer);

/// Makes this process the parent of its orphaned descendants (PR_SET_CHILD_SUBREAPER). It is not
/// inherited by children and survives exec. Returns 0 or -errno.
int clinux_set_child_subreaper(void);

/// Asks for `signal` when the thread that started this process ends (PR_SET_PDEATHSIG); 0 takes
/// it back. Check the parent's pid afterwards: it may be gone already. Returns 0 or -errno.
int clinux_set_parent_death_signal(int signal);

/// Names the calling thread, 15 bytes at most. Returns 0 or -errno.
int clinux_set_thread_name(const char *name);

/// Gives the allocator's free memory back to the system (malloc_trim).
void clinux_trim_memory(void);

/// CPU seconds of this process, or of its ended and awaited children. Returns 0 or -errno.
int clinux_cpu_seconds(int of_children, double *user, double *system);

/// Freed pieces of memory up to `bytes` are kept for the next ones instead of being given back to the
/// system, which would have to clear each of their pages anew. Returns 0 or -EINVAL.
int clinux_keep_freed_memory(int bytes);

/// Nanoseconds since boot, sleep included (CLOCK_BOOTTIME): the clock of a process's start time.
int64_t clinux_boot_nanoseconds(void);

/// The unit in which /proc counts start and CPU times: ticks per second.
int64_t clinux_ticks_per_second(void);

// MARK: Locks

/// Takes the exclusive flock of an open file without waiting. Returns 0, or -EWOULDBLOCK if it is
/// held through another open file description.
int clinux_lock_exclusive(int fd);

/// The same with a shared lock: it fails only while an exclusive one is held.
int clinux_lock_shared(int fd);

/// Sets FD_CLOEXEC. Returns 0 or -errno.
int clinux_close_on_exec(int fd);

// MARK: Processes

/// A descriptor that names one process for good: it never means another one that got the same pid,
/// and becomes readable when the process has ended. Returns it or -errno (-ESRCH: no such process).
int clinux_pidfd_open(pid_t pid);

/// Sends `signal` (0 only checks) to the process behind a pidfd. Returns 0 or -errno.
int clinux_pidfd_send_signal(int pidfd, int signal);

/// How a child ended.
struct clinux_exit {
  /// Whether a signal ended it; `value` is then the signal, else the exit code.
  int signalled;
  int value;
};

/// Takes the exit of one child that has ended. Does not wait. Returns 1 and fills `exit`, 0 if the
/// child still runs, or -errno (-ECHILD: not a child of this process, or taken already).
int clinux_reap(pid_t pid, struct clinux_exit *exit);

/// What to start and with what.
struct clinux_spawn_order {
  /// Path of the program; PATH is not searched.
  const char *program;
  /// Both end with a null pointer.
  char *_Nullable const *_Nonnull argv;
  char *_Nullable const *_Nonnull envp;
  /// Working directory; null keeps the caller's.
  const char *_Nullable directory;
  /// Becomes standard output and standard error.
  int output_fd;
  /// Becomes descriptor 3; -1 for none.
  int lock_fd;
};

/// Where starting a process failed.
enum clinux_spawn_step {
  clinux_spawn_fork = 0,
  clinux_spawn_session = 1,
  clinux_spawn_directory = 2,
  clinux_spawn_descriptors = 3,
  clinux_spawn_exec = 4,
};

/// Starts a program as the leader of a session of its own, with standard input from /dev/null, the
/// given descriptors and no others, no blocked signals and every signal's default disposition.
/// Returns when the program has been executed: the pid, or -errno with the step that failed, and
/// then nothing is left behind. Safe in a process with threads.
pid_t clinux_spawn(const struct clinux_spawn_order *order, enum clinux_spawn_step *failed);

// MARK: Waiting for many descriptors

/// An epoll instance, or -errno.
int clinux_epoll_create(void);

/// Reports `id` once `fd` has become readable, and then no more (EPOLLONESHOT). 0 or -errno.
int clinux_epoll_add(int epoll, int fd, uint64_t id);

/// Forgets `fd`. Returns 0 or -errno.
int clinux_epoll_remove(int epoll, int fd);

/// Waits without a limit and fills `ids` with up to `capacity` that are ready (64 at most).
/// Returns their number (0 after a signal) or -errno.
int clinux_epoll_wait(int epoll, uint64_t *ids, int capacity);

/// A counter that wakes a waiting epoll, or -errno.
int clinux_eventfd(void);

/// Makes an eventfd readable. Returns 0 or -errno.
int clinux_eventfd_signal(int fd);

#pragma clang assume_nonnull end

#endif
