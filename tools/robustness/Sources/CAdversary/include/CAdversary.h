// A program that does all it can not to be ended, for jobs that are cancelled.
#ifndef CADVERSARY_H
#define CADVERSARY_H

/// Closes every descriptor, ignores what can be ignored, and leaves `sleepers` processes in sessions
/// of their own whose parents are gone, and `hoppers` that each are another process every few
/// milliseconds. Never returns.
_Noreturn void adversary_run(int sleepers, int hoppers);

#endif
