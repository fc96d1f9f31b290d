// What a small program needs to run another one: starting it with limits in a group of its own,
// waiting for signals and children in one place, and a way to the daemon's socket. As in CLinux.h
// every function that can fail returns a negative errno.
#ifndef CLINUX_COMMAND_SPAWN_H
#define CLINUX_COMMAND_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

#pragma clang assume_nonnull begin

/// What a command is started with. A limit below 0 is none.
struct clinux_command {
  const char *program;
  char *_Nullable const *_Nonnull argv;
  char *_Nullable const *_Nonnull envp;
  const char *directory;
  int output_fd;
  int error_fd;
  int64_t cpu_seconds;
  int64_t open_files;
  int64_t file_bytes;
  /// Added to the caller's.
  int niceness;
};

/// Where starting a command failed.
enum clinux_command_step {
  clinux_command_fork = 0,
  clinux_command_group = 1,
  clinux_command_directory = 2,
  clinux_command_descriptors = 3,
  clinux_command_limits = 4,
  clinux_command_exec = 5,
};

/// Starts a program as the leader of a process group of its own in the caller's session, with
/// standard input from /dev/null, no descriptors beyond 2, no blocked signals and every signal's
/// default disposition. Returns its pid, or -errno with the step that failed.
pid_t clinux_command_start(const struct clinux_command *command, enum clinux_command_step *failed);

/// A child that has ended, and what it and the children it had awaited used.
struct clinux_ended {
  pid_t pid;
  int signalled;
  /// Exit code, or signal.
  int value;
  double user_seconds;
  double system_seconds;
  int64_t peak_bytes;
};

/// Takes one ended child, whichever. Does not wait. Returns 1 and fills `ended`, 0 if children are
/// left and none has ended, -ECHILD if there are none.
int clinux_wait_any(struct clinux_ended *ended);

/// Blocks the signals for this process and returns a descriptor that they can be read from.
int clinux_signal_descriptor(const int *signals, int count);

/// The next signal that has come, 0 if none. Does not wait.
int clinux_next_signal(int fd);

/// A pipe whose ends are closed on exec; reading from it never waits. Returns 0 or -errno.
int clinux_output_pipe(int *_Nonnull ends);

/// A connection to a Unix socket on which no call waits, or -errno (-EAGAIN: too many wait there).
int clinux_connect(const char *path);

/// Processors that this process may run on.
int clinux_processors(void);

#pragma clang assume_nonnull end

#endif
