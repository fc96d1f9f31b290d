// Calls that only the robustness programs need: taking the power from a file system, and a mount
// table of one's own. Every function returns 0 or a negative errno.
#ifndef CPOWERCUT_H
#define CPOWERCUT_H

#pragma clang assume_nonnull begin

/// Stops the file system that `path` lies on at once and for good, as a power cut does: nothing that
/// is not on its device gets there any more, the journal's open transaction included
/// (EXT4_IOC_SHUTDOWN with NOLOGFLUSH).
int powercut_shut_down(const char *path);

/// Gives the process a mount table of its own, so that all it mounts is gone with it, however it
/// ends. To be called before there is a second thread.
int powercut_own_mounts(void);

#pragma clang assume_nonnull end

#endif
