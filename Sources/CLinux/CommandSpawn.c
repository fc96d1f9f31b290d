// The calls behind CommandSpawn.h. The child of vfork touches nothing but its own descriptors,
// limits and signals, and one word that tells the parent why it failed.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CommandSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static int result(int value) { return value < 0 ? -errno : value; }

// A limit above the hard one is as good as none.
static int limit(int resource, int64_t value) {
  if (value < 0) return 0;
  struct rlimit now;
  if (getrlimit(resource, &now) < 0) return -1;
  rlim_t wanted = (rlim_t)value;
  if (now.rlim_max != RLIM_INFINITY && wanted > now.rlim_max) wanted = now.rlim_max;
  now.rlim_cur = wanted;
  // Two seconds after SIGXCPU, which a program may catch, comes SIGKILL.
  now.rlim_max = resource == RLIMIT_CPU ? wanted + 2 : wanted;
  return setrlimit(resource, &now);
}

static enum clinux_command_step prepare_and_exec(const struct clinux_command *command) {
  if (setpgid(0, 0) < 0) return clinux_command_group;
  if (chdir(command->directory) < 0) return clinux_command_directory;
  int output = fcntl(command->output_fd, F_DUPFD, 10);
  int error = fcntl(command->error_fd, F_DUPFD, 10);
  int null = open("/dev/null", O_RDONLY);
  if (output < 0 || error < 0 || null < 0) return clinux_command_descriptors;
  if (null != 0 && dup2(null, 0) < 0) return clinux_command_descriptors;
  if (dup2(output, 1) < 0 || dup2(error, 2) < 0) return clinux_command_descriptors;
  if (syscall(SYS_close_range, 3U, ~0U, 0) < 0)
    for (int fd = 3; fd < 1024; fd++) close(fd);
  if (command->niceness != 0 &&
      setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + command->niceness) < 0)
    return clinux_command_limits;
  if (limit(RLIMIT_CPU, command->cpu_seconds) < 0 ||
      limit(RLIMIT_NOFILE, command->open_files) < 0 ||
      limit(RLIMIT_FSIZE, command->file_bytes) < 0)
    return clinux_command_limits;

  const uint64_t standard[8] = {0};
  for (int number = 1; number <= 64; number++)
    syscall(SYS_rt_sigaction, number, standard, NULL, sizeof(uint64_t));
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, NULL);
  execve(command->program, command->argv, command->envp);
  return clinux_command_exec;
}

pid_t clinux_command_start(
    const struct clinux_command *command, enum clinux_command_step *failed) {
  volatile int child_errno = 0;
  volatile enum clinux_command_step step = clinux_command_fork;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = vfork();
  if (pid == 0) {
    step = prepare_and_exec(command);
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

static double seconds(struct timeval time) { return (double)time.tv_sec + time.tv_usec / 1e6; }

int clinux_wait_any(struct clinux_ended *ended) {
  int status;
  struct rusage usage;
  pid_t pid;
  do pid = wait4(-1, &status, WNOHANG, &usage);
  while (pid < 0 && errno == EINTR);
  if (pid < 0) return -errno;
  if (pid == 0) return 0;
  ended->pid = pid;
  ended->signalled = WIFSIGNALED(status);
  ended->value = ended->signalled ? WTERMSIG(status) : WEXITSTATUS(status);
  ended->user_seconds = seconds(usage.ru_utime);
  ended->system_seconds = seconds(usage.ru_stime);
  ended->peak_bytes = (int64_t)usage.ru_maxrss * 1024;
  return 1;
}

int clinux_signal_descriptor(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int index = 0; index < count; index++) sigaddset(&set, signals[index]);
  int blocked = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (blocked != 0) return -blocked;
  return result(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int clinux_next_signal(int fd) {
  struct signalfd_siginfo info;
  ssize_t count;
  do count = read(fd, &info, sizeof info);
  while (count < 0 && errno == EINTR);
  return count == sizeof info ? (int)info.ssi_signo : 0;
}

int clinux_output_pipe(int *ends) {
  if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
  // Only the reading end: a program expects its output to wait for the reader.
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) return -errno;
  // A program that prints much is woken less often; where the system allows no more, it is slower.
  fcntl(ends[0], F_SETPIPE_SZ, 256 << 10);
  return 0;
}

int clinux_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
    int number = errno;
    close(fd);
    return -number;
  }
  return fd;
}

int clinux_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) < 0) return (int)sysconf(_SC_NPROCESSORS_ONLN);
  return CPU_COUNT(&set);
}
