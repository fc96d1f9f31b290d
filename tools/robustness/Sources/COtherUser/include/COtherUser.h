// Another user of the machine, played by one thread: raw system calls change the user of the calling
// thread alone, while libc's functions would change that of the whole process.
#ifndef COTHERUSER_H
#define COTHERUSER_H

#include <sys/types.h>

/// Makes the calling thread one of this user and group, for good; needs root. Returns 0 or -errno.
int otheruser_become(uid_t uid, gid_t gid);

#endif
