/*
 * Makes the ONNX Runtime of a process see a CPU with AVX2, but without AVX-512, VNNI and AMX.
 *
 * Loaded twice into one process. As LD_AUDIT it is notified of every shared object after it was mapped and before any
 * of its code ran, and turns each cpuid of ONNX Runtime (0F A2) into the illegal instruction D6 A2. As LD_PRELOAD it
 * emulates that instruction: its SIGILL handler executes the real cpuid and clears the features. Only ONNX Runtime is
 * changed: everything else in the process sees the real CPU.
 *
 * GOSHAWK_AVX2_FINDER names the program that lists the cpuid instructions of a file, GOSHAWK_AVX2_CACHE the folder
 * for its lists, GOSHAWK_AVX2_CPUINFO the file that replaces /proc/cpuinfo.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define CPUID_FIRST 0x0F
#define CPUID_SECOND 0xA2
/* #UD on every x86-64 CPU, and not what compilers use for a trap. */
#define ILLEGAL 0xD6

#define BIT(n) (1u << (n))

/* --- LD_AUDIT: every cpuid of ONNX Runtime becomes an illegal instruction --- */

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "as-avx2: %s: %s\n", what, detail);
  _exit(126);
}

static int is_onnxruntime(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash == NULL ? path : slash + 1;
  return strncmp(name, "libonnxruntime.so", strlen("libonnxruntime.so")) == 0 ||
         strncmp(name, "onnxruntime_pybind11_state", strlen("onnxruntime_pybind11_state")) == 0;
}

/* The file with the addresses of `library`, created if it is missing. */
static void addresses_of(const char *library, char *list, size_t size) {
  const char *cache = getenv("GOSHAWK_AVX2_CACHE");
  const char *finder = getenv("GOSHAWK_AVX2_FINDER");
  struct stat found;
  if (cache == NULL || finder == NULL) fail("GOSHAWK_AVX2_CACHE and GOSHAWK_AVX2_FINDER", "not set");
  if (stat(library, &found) != 0) fail(library, strerror(errno));
  snprintf(list, size, "%s/%jx-%jx-%jx-%lx.cpuid", cache, (uintmax_t)found.st_dev, (uintmax_t)found.st_ino,
           (uintmax_t)found.st_size, (unsigned long)found.st_mtim.tv_sec);
  if (access(list, R_OK) == 0) return;

  /* The finder writes to another file and renames it: concurrent processes cannot read a partial list. */
  char *arguments[] = {"node", (char *)finder, (char *)library, list, NULL};
  size_t kept = 0, count = 0;
  while (environ[count] != NULL) count++;
  char **clean = calloc(count + 1, sizeof *clean);
  if (clean == NULL) fail("calloc", strerror(errno));
  for (char **entry = environ; *entry != NULL; entry++)
    if (strncmp(*entry, "LD_AUDIT=", 9) != 0 && strncmp(*entry, "LD_PRELOAD=", 11) != 0) clean[kept++] = *entry;
  pid_t child;
  int status = 0;
  int error = posix_spawnp(&child, "node", NULL, NULL, arguments, clean);
  free(clean);
  if (error != 0) fail("cannot start node", strerror(error));
  if (waitpid(child, &status, 0) < 0 || status != 0) fail("no list of cpuid instructions", library);
}

static void patch(uint8_t *base, const char *library, const char *list) {
  FILE *file = fopen(list, "re");
  const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  unsigned long address;
  int patched = 0;
  if (file == NULL) fail(list, strerror(errno));
  while (fscanf(file, "%lx", &address) == 1) {
    uint8_t *site = base + address;
    void *start = (void *)((uintptr_t)site & ~(page - 1));
    size_t length = (uintptr_t)site + 2 - (uintptr_t)start;
    if (mprotect(start, length, PROT_READ | PROT_WRITE) != 0) fail("mprotect", strerror(errno));
    if (site[0] != CPUID_FIRST || site[1] != CPUID_SECOND) fail("the list is not of this file", library);
    site[0] = ILLEGAL;
    if (mprotect(start, length, PROT_READ | PROT_EXEC) != 0) fail("mprotect", strerror(errno));
    patched++;
  }
  fclose(file);
  if (patched == 0) fail("no cpuid instruction found", library);
}

unsigned int la_version(unsigned int version) { return version < LAV_CURRENT ? version : LAV_CURRENT; }

unsigned int la_objopen(struct link_map *map, Lmid_t namespace, uintptr_t *cookie) {
  (void)namespace;
  (void)cookie;
  if (is_onnxruntime(map->l_name)) {
    char list[4096];
    addresses_of(map->l_name, list, sizeof list);
    patch((uint8_t *)map->l_addr, map->l_name, list);
  }
  return 0;
}

/* --- LD_PRELOAD: the illegal instruction answers as such a CPU would --- */

static void mask(uint32_t leaf, uint32_t subleaf, uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx) {
  if (leaf == 7 && subleaf == 0) {
    /* AVX512: F, DQ, IFMA, PF, ER, CD, BW, VL */
    *ebx &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
    /* AVX512: VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ */
    *ecx &= ~(BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14));
    /* AVX512: 4VNNIW, 4FMAPS, VP2INTERSECT, FP16; AMX: BF16, TILE, INT8 */
    *edx &= ~(BIT(2) | BIT(3) | BIT(8) | BIT(23) | BIT(22) | BIT(24) | BIT(25));
  }
  if (leaf == 7 && subleaf == 1) {
    /* AVX-VNNI, AVX512-BF16, AMX-FP16, AVX-IFMA */
    *eax &= ~(BIT(4) | BIT(5) | BIT(21) | BIT(23));
    /* AVX-VNNI-INT8, AVX-NE-CONVERT, AMX-COMPLEX, AVX-VNNI-INT16, AVX10, APX */
    *edx &= ~(BIT(4) | BIT(5) | BIT(8) | BIT(10) | BIT(19) | BIT(21));
  }
  /* AMX tiles and AVX10 */
  if (leaf == 0x1D || leaf == 0x1E || leaf == 0x24) *eax = *ebx = *ecx = *edx = 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static struct sigaction others; /* what the program wants of true illegal instructions */

static void answer(int signal, siginfo_t *info, void *raw) {
  greg_t *registers = ((ucontext_t *)raw)->uc_mcontext.gregs;
  const uint8_t *site = (const uint8_t *)registers[REG_RIP];
  if (site[0] == ILLEGAL && site[1] == CPUID_SECOND) {
    uint32_t leaf = (uint32_t)registers[REG_RAX], subleaf = (uint32_t)registers[REG_RCX];
    uint32_t eax, ebx, ecx, edx;
    __cpuid_count(leaf, subleaf, eax, ebx, ecx, edx);
    mask(leaf, subleaf, &eax, &ebx, &ecx, &edx);
    registers[REG_RAX] = eax;
    registers[REG_RBX] = ebx;
    registers[REG_RCX] = ecx;
    registers[REG_RDX] = edx;
    registers[REG_RIP] += 2;
  } else if (others.sa_flags & SA_SIGINFO) {
    others.sa_sigaction(signal, info, raw);
  } else if (others.sa_handler != SIG_DFL && others.sa_handler != SIG_IGN) {
    others.sa_handler(signal);
  } else if (others.sa_handler != SIG_IGN || info->si_code > 0) {
    /* Ends the process as without this library: by executing the instruction again, or by the signal that was sent. */
    struct sigaction fatal = {.sa_handler = SIG_DFL};
    REAL(sigaction)(SIGILL, &fatal, NULL);
    if (info->si_code <= 0) raise(signal);
  }
}

static void set_up(void) __attribute__((constructor));
static void set_up(void) {
  struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
  REAL(sigaction)(SIGILL, &action, NULL);
}

/* Node resets every signal on start, Python's faulthandler takes SIGILL: recorded, but not installed. */
int sigaction(int signal, const struct sigaction *action, struct sigaction *old) {
  if (signal != SIGILL) return REAL(sigaction)(signal, action, old);
  struct sigaction before = others;
  if (action != NULL) others = *action;
  if (old != NULL) *old = before;
  return 0;
}

/* A blocked SIGILL ends the process, so no thread may ever block it. */
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
  if (set == NULL || how == SIG_UNBLOCK) return REAL(pthread_sigmask)(how, set, old);
  sigset_t without = *set;
  sigdelset(&without, SIGILL);
  return REAL(pthread_sigmask)(how, &without, old);
}

/* --- /proc/cpuinfo shows the same features --- */

static const char *redirect(const char *path) {
  const char *instead = getenv("GOSHAWK_AVX2_CPUINFO");
  return instead != NULL && path != NULL && strcmp(path, "/proc/cpuinfo") == 0 ? instead : path;
}

#define MODE_OF(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  }

int open(const char *path, int flags, ...) {
  MODE_OF(flags)
  return REAL(open)(redirect(path), flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE_OF(flags)
  return REAL(open64)(redirect(path), flags, mode);
}

int openat(int folder, const char *path, int flags, ...) {
  MODE_OF(flags)
  return REAL(openat)(folder, redirect(path), flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
  MODE_OF(flags)
  return REAL(openat64)(folder, redirect(path), flags, mode);
}

FILE *fopen(const char *path, const char *mode) { return REAL(fopen)(redirect(path), mode); }

FILE *fopen64(const char *path, const char *mode) { return REAL(fopen64)(redirect(path), mode); }
