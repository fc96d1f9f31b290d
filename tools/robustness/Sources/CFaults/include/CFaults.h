// A library to preload (LD_PRELOAD) that makes system calls on the files of one folder fail. Nothing
// calls it: it stands in front of the C library's own functions. What it is to do, and what it has
// seen, stands in a file that both sides map, so a program can arm it in a running process.
#ifndef CFAULTS_H
#define CFAULTS_H

#include <stdint.h>

/// Everything is off unless both name something: absolute paths.
#define FAULTS_FOLDER "ASSAY_FAULTS_FOLDER"
#define FAULTS_CONTROL "ASSAY_FAULTS_CONTROL"
/// Only in processes of this name; "assayd" unless it says otherwise.
#define FAULTS_PROGRAM "ASSAY_FAULTS_PROGRAM"

/// Kinds of calls, as bits.
enum faults_kind {
  faults_write = 1,     // write, writev, pwrite, pwritev, fallocate
  faults_sync = 2,      // fsync, fdatasync
  faults_open = 4,      // open, openat, creat
  faults_rename = 8,    // rename, renameat, link
  faults_truncate = 16, // truncate, ftruncate
  faults_unlink = 32,   // unlink, unlinkat
};

/// The control file: so many 64-bit integers in the machine's byte order, in this order.
struct faults_control {
  /// Kinds that are counted and fail; 0: none. To be written last when arming.
  int64_t kinds;
  /// The call that fails, counted from 1 since `calls` was set to 0.
  int64_t which;
  /// Its errno; -1 kills the process instead, before the call is done.
  int64_t error;
  /// 0: that call only, 1: it and all that follow.
  int64_t stays;
  /// Calls of those kinds so far.
  int64_t calls;
  /// Calls that have failed so far, and of what kind of file the first was: 1 other, 2 the database,
  /// 3 its write-ahead log, 4 the log's index; and when (CLOCK_MONOTONIC, nanoseconds).
  int64_t failed;
  int64_t file;
  int64_t time;
};

#endif
