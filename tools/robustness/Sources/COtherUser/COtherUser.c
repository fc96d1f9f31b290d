#define _GNU_SOURCE
#include "COtherUser.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

int otheruser_become(uid_t uid, gid_t gid) {
  if (syscall(SYS_setgroups, 0, NULL) < 0) return -errno;
  if (syscall(SYS_setresgid, gid, gid, gid) < 0) return -errno;
  return syscall(SYS_setresuid, uid, uid, uid) < 0 ? -errno : 0;
}
