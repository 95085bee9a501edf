/*
 * What a power cut would take from PostgreSQL: before a range of a file is written, what was there is appended to
 * UNDO/INODE; when the file is synced, that is forgotten. Loaded into the server with LD_PRELOAD by
 * `goshawk fleet faults`, which puts back what is left there after it has killed the server.
 *
 * A record is three 64-bit numbers (offset, length of what follows, size of the file before) and the bytes.
 * GOSHAWK_UNDO names the folder. With GOSHAWK_UNDO_LIES set, syncing forgets nothing, as on a disk that lies.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(type, name, ...)                                  \
  static type (*real)(__VA_ARGS__);                            \
  if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

struct record {
  uint64_t offset;
  uint64_t length;
  uint64_t size;
};

static ssize_t write_now(int fd, const void *bytes, size_t count) {
  REAL(ssize_t, "write", int, const void *, size_t);
  return real(fd, bytes, count);
}

static int unlink_now(const char *path) {
  REAL(int, "unlink", const char *);
  return real(path);
}

/* The file of an inode in UNDO; false without UNDO. */
static int undo_path(ino_t inode, char *path, size_t size) {
  const char *folder = getenv("GOSHAWK_UNDO");
  if (folder == NULL) return 0;
  snprintf(path, size, "%s/%llu", folder, (unsigned long long)inode);
  return 1;
}

static void forget(ino_t inode) {
  char path[4096];
  int before = errno;
  if (undo_path(inode, path, sizeof path)) unlink_now(path);
  errno = before;
}

static void forget_path(const char *path) {
  struct stat there;
  int before = errno;
  if (lstat(path, &there) == 0 && S_ISREG(there.st_mode) && there.st_nlink == 1) forget(there.st_ino);
  errno = before;
}

/* Standard streams are the log's. @param offset -1 for the position of the file */
static void note(int fd, off_t offset, size_t count) {
  struct stat there;
  char path[4096];
  int before = errno;
  if (fd <= 2 || count == 0 || fstat(fd, &there) != 0 || !S_ISREG(there.st_mode)) goto done;
  if (!undo_path(there.st_ino, path, sizeof path)) goto done;
  if (offset < 0) offset = (fcntl(fd, F_GETFL) & O_APPEND) ? there.st_size : lseek(fd, 0, SEEK_CUR);
  uint64_t length = offset >= there.st_size ? 0 : (uint64_t)(there.st_size - offset);
  if (length > count) length = count;
  struct record *record = malloc(sizeof *record + length);
  if (record == NULL) abort();
  *record = (struct record){(uint64_t)offset, length, (uint64_t)there.st_size};
  if (length > 0) {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    int readable = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t got = readable < 0 ? -1 : pread(readable, record + 1, length, offset);
    if (got < 0) abort();
    record->length = length = (uint64_t)got;
    close(readable);
  }
  int undo = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (undo < 0 || write_now(undo, record, sizeof *record + length) != (ssize_t)(sizeof *record + length)) abort();
  close(undo);
  free(record);
done:
  errno = before;
}

static void synced(int fd) {
  struct stat there;
  if (getenv("GOSHAWK_UNDO_LIES") == NULL && fstat(fd, &there) == 0) forget(there.st_ino);
}

static size_t total(const struct iovec *parts, int count) {
  size_t sum = 0;
  for (int at = 0; at < count; at += 1) sum += parts[at].iov_len;
  return sum;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  note(fd, -1, count);
  return write_now(fd, bytes, count);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  note(fd, -1, total(parts, count));
  return real(fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
  note(fd, offset, count);
  return real(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  note(fd, offset, count);
  return real(fd, bytes, count, offset);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t);
  note(fd, offset, total(parts, count));
  return real(fd, parts, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off64_t);
  note(fd, offset, total(parts, count));
  return real(fd, parts, count, offset);
}

int fsync(int fd) {
  REAL(int, "fsync", int);
  int result = real(fd);
  if (result == 0) synced(fd);
  return result;
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  int result = real(fd);
  if (result == 0) synced(fd);
  return result;
}

/* An inode that is free again may become another file. */
int unlink(const char *path) {
  forget_path(path);
  return unlink_now(path);
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  forget_path(to);
  return real(from, to);
}
