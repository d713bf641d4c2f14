/* System calls without a C library, and the few functions of one that the programs need.
 *
 * Source of the numbers: Linux arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h; of the
 * calling conventions: syscall(2).
 */
#ifndef FIGBOX_SYSTEM_H
#define FIGBOX_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
enum {
    CALL_READ = 0, CALL_WRITE = 1, CALL_CLOSE = 3, CALL_LSEEK = 8, CALL_MMAP = 9, CALL_MUNMAP = 11, CALL_BRK = 12,
    CALL_RT_SIGACTION = 13, CALL_RT_SIGPROCMASK = 14, CALL_PREAD = 17, CALL_MREMAP = 25, CALL_MADVISE = 28,
    CALL_GETPID = 39, CALL_CLONE = 56, CALL_FORK = 57, CALL_VFORK = 58, CALL_EXECVE = 59, CALL_WAIT4 = 61,
    CALL_KILL = 62, CALL_UNAME = 63, CALL_FCNTL = 72, CALL_PTRACE = 101, CALL_RT_SIGQUEUEINFO = 129,
    CALL_SIGALTSTACK = 131, CALL_PRCTL = 157, CALL_ARCH_PRCTL = 158, CALL_TKILL = 200, CALL_GETDENTS64 = 217,
    CALL_CLOCK_GETTIME = 228, CALL_EXIT_GROUP = 231, CALL_TGKILL = 234, CALL_OPENAT = 257, CALL_NEWFSTATAT = 262,
    CALL_READLINKAT = 267, CALL_PPOLL = 271, CALL_DUP3 = 292, CALL_PIPE2 = 293, CALL_RT_TGSIGQUEUEINFO = 297,
    CALL_PROCESS_VM_WRITEV = 311, CALL_SECCOMP = 317, CALL_RSEQ = 334, CALL_PIDFD_SEND_SIGNAL = 424,
    CALL_CLONE3 = 435, CALL_CLOSE_RANGE = 436,
};
#elif defined(__aarch64__)
enum {
    CALL_DUP3 = 24, CALL_FCNTL = 25, CALL_OPENAT = 56, CALL_CLOSE = 57, CALL_PIPE2 = 59, CALL_GETDENTS64 = 61,
    CALL_LSEEK = 62, CALL_READ = 63, CALL_WRITE = 64, CALL_PREAD = 67, CALL_PPOLL = 73, CALL_READLINKAT = 78,
    CALL_NEWFSTATAT = 79, CALL_EXIT_GROUP = 94, CALL_CLOCK_GETTIME = 113, CALL_PTRACE = 117, CALL_KILL = 129,
    CALL_TKILL = 130, CALL_TGKILL = 131, CALL_SIGALTSTACK = 132, CALL_RT_SIGACTION = 134, CALL_RT_SIGPROCMASK = 135,
    CALL_RT_SIGQUEUEINFO = 138, CALL_UNAME = 160, CALL_PRCTL = 167, CALL_GETPID = 172, CALL_BRK = 214,
    CALL_MUNMAP = 215, CALL_MREMAP = 216, CALL_CLONE = 220, CALL_EXECVE = 221, CALL_MMAP = 222, CALL_MADVISE = 233,
    CALL_RT_TGSIGQUEUEINFO = 240, CALL_WAIT4 = 260, CALL_PROCESS_VM_WRITEV = 271, CALL_SECCOMP = 277, CALL_RSEQ = 293,
    CALL_PIDFD_SEND_SIGNAL = 424, CALL_CLONE3 = 435, CALL_CLOSE_RANGE = 436,
};
#endif

enum {
    AT_CURRENT_FOLDER = -100, /* AT_FDCWD */
    ERROR_LIMIT = 4095,       /* a result from -4095 to -1 is an error; source: syscall(2) */

    OPEN_READ = 0,
    OPEN_CLOSE_ON_EXEC = 02000000,
    OPEN_ACCESS_MODES = 3,

    SEEK_FROM_START = 0,
    SEEK_FROM_HERE = 1,

    GET_DESCRIPTOR_FLAGS = 1, /* F_GETFD */
    SET_DESCRIPTOR_FLAGS = 2, /* F_SETFD */
    GET_STATUS_FLAGS = 3,     /* F_GETFL */

    MAP_PRIVATE_COPY = 0x02,
    MAP_AT_ADDRESS = 0x10,
    MAP_NO_FILE = 0x20,
    MAP_WITHOUT_RESERVE = 0x4000,

    REMAP_MAY_MOVE = 1,
    REMAP_TO_ADDRESS = 2,

    ADVICE_WIPE_ON_FORK = 18,
};

static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
#endif
}

#define CALL0(number) system_call(number, 0, 0, 0, 0, 0, 0)
#define CALL1(number, a) system_call(number, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(number, a, b) system_call(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(number, a, b, c) system_call(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(number, a, b, c, d) system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL5(number, a, b, c, d, e) system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)

static inline int is_error(long result)
{
    return result < 0 && result >= -ERROR_LIMIT;
}

static inline long map(uint64_t address, uint64_t length, uint32_t protection, int flags, int file, uint64_t offset)
{
    return system_call(CALL_MMAP, (long)address, (long)length, (long)protection, flags, file, (long)offset);
}

static inline int open_file(const char *path, int flags)
{
    return (int)CALL4(CALL_OPENAT, AT_CURRENT_FOLDER, path, flags | OPEN_CLOSE_ON_EXEC, 0);
}

static inline void close_file(int file)
{
    CALL1(CALL_CLOSE, file);
}

/* The compiler may call these for plain assignments and loops, so they exist even without a C library. */
void *memcpy(void *restrict target, const void *restrict source, size_t bytes);
void *memset(void *target, int value, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);

static inline size_t text_length(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

static inline int same_text(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return *left == *right;
}

static inline int begins_with(const char *text, const char *beginning)
{
    while (*beginning && *text == *beginning)
        text++, beginning++;
    return !*beginning;
}

#endif
