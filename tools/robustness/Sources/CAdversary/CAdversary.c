#define _GNU_SOURCE
#include "CAdversary.h"

#include <signal.h>
#include <unistd.h>

static void ignore_signals(void) {
  int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) signal(signals[i], SIG_IGN);
  // Children are nobody's to wait for.
  signal(SIGCHLD, SIG_IGN);
}

static void hop(void) {
  while (1) {
    usleep(5000);
    if (fork() > 0) _exit(0);
  }
}

_Noreturn void adversary_run(int sleepers, int hoppers) {
  ignore_signals();
  for (int fd = 0; fd < 256; fd++) close(fd);
  for (int i = 0; i < sleepers + hoppers; i++) {
    if (fork() != 0) continue;
    setsid();
    if (fork() != 0) _exit(0);
    if (i >= sleepers) hop();
    while (1) pause();
  }
  while (1) pause();
}
