/* Process 1 of every container that the launcher makes: starts the guest, and is its end.
 *
 *     supervisor IDLE_S WALL_S PROGRAM [ARGUMENT ...]
 *
 * Theory of operation
 * ===================
 *
 * The supervisor forks once. The child becomes PROGRAM, a runner or a restorer, and with it the guest: whatever it does
 * to its own process, it is not the process that decides when the container ends. The parent passes on to the child
 * what comes on stdin, and ends when
 *
 *   - stdin ends or hangs up, because the launcher has let go of it or is dead, even with bytes still unread;
 *   - no byte has come for IDLE_S seconds;
 *   - WALL_S seconds have passed since the first byte;
 *   - the child has ended.
 *
 * When process 1 of a container ends, the kernel kills all others. Source: pid_namespaces(7).
 *
 * It never waits for the child: neither pipe blocks, and while the child doesn't read, stdin is only watched.
 * It allocates nothing, opens nothing, and takes every error for a reason to end. So what a guest can still do to it (it
 * has the same user: prlimit(2), signals, memory that runs out) ends the container and never prolongs it. What is
 * closed to the guest: memory and descriptors of this process, since it isn't "dumpable" (ptrace(2), proc_pid_fd(5)),
 * and by the filter below all that would make another process of it, or stop this one. Linux delivers no signal to
 * process 1 that it has no handler for; gVisor does, so SIGSTOP can't be sent, and other signals that stop are ignored.
 *
 * Exit status: that of the child, or 128 and the signal that ended it; its own as below.
 */
#include "system.h"

enum {
    EXIT_ENDED = 0,    /* stdin ended, or nothing ever came: the container is no longer wanted */
    EXIT_WALL = 124,   /* as timeout(1) has it, and so the next two */
    EXIT_FAILED = 125, /* of the supervisor itself */
    EXIT_NO_PROGRAM = 127,
    EXIT_SIGNAL_BASE = 128,
};

enum {
    STDIN = 0, STDOUT = 1, STDERR = 2,
    LIMIT_DIGITS = 9,
    SIGNAL_SET_BYTES = 8,

    /* Source: Linux include/uapi/asm-generic/{signal,fcntl,poll,errno-base}.h, include/uapi/linux/{prctl,wait}.h. */
    SIG_KILL = 9, SIG_PIPE = 13, SIG_CHILD = 17, SIG_STOP = 19, SIG_STOP_BY_TERMINAL = 20, SIG_TERMINAL_OUT = 22,
    IGNORE = 1,
    NOT_BLOCKING = 04000, SET_STATUS_FLAGS = 4, SET_SIGNAL = 10,
    IN = 1, OUT = 4, FAULT = 8, HANG_UP = 16, INVALID = 32,
    NO_SUCH_FILE = 2, INTERRUPTED = 4, TRY_AGAIN = 11, NOT_A_FOLDER = 20, BROKEN_PIPE = 32,
    MONOTONIC = 1, WITHOUT_WAITING = 1,
    SET_DUMPABLE = 4, SET_SECCOMP = 22, FILTER_MODE = 2,
};

#define SECOND_NS 1000000000LL

/* Bytes on their way to the child; as many as its pipe holds. */
static char buffer[1 << 16];
static uint64_t begin, end;

struct time {
    int64_t s, ns;
};

struct polled {
    int32_t file;
    int16_t wanted, found;
};

/* As the kernel has it, on both processors. Source: Linux include/uapi/asm/signal.h. */
struct signal_action {
    const void *handler;
    uint64_t flags;
    const void *restorer;
    uint64_t mask;
};

__attribute__((noreturn)) static void leave(int code)
{
    CALL1(CALL_EXIT_GROUP, code);
    for (;;)
        __builtin_trap();
}

__attribute__((noreturn)) static void give_up(const char *reason, const char *name, int code)
{
    const char *const words[] = {"supervisor: ", reason, name, "\n"};
    for (unsigned word = 0; word < sizeof words / sizeof *words; word++)
        CALL3(CALL_WRITE, STDERR, words[word], text_length(words[word]));
    leave(code);
}

static int64_t now(void)
{
    struct time time;
    if (is_error(CALL2(CALL_CLOCK_GETTIME, MONOTONIC, &time)))
        leave(EXIT_FAILED);
    return time.s * SECOND_NS + time.ns;
}

/* Returns a limit that was given as whole seconds, in nanoseconds. */
static int64_t read_limit(const char *text)
{
    int64_t seconds = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++)
        seconds = seconds * 10 + (*at - '0');
    if (at == text || *at || at > text + LIMIT_DIGITS)
        give_up("not a number of seconds: ", text, EXIT_FAILED);
    return seconds * SECOND_NS;
}

/* -- the child: confined further, then the guest ------------------------------------------------------------------ */

/* Source: Linux include/uapi/linux/{filter,bpf_common,seccomp,audit}.h. */
struct instruction {
    uint16_t code;
    uint8_t if_true, if_false; /* how many instructions are skipped */
    uint32_t value;
};

struct filter {
    uint16_t length;
    const struct instruction *program;
};

enum { LOAD = 0x20, EQUAL = 0x15, AT_LEAST = 0x35, ANY_BIT = 0x45, RETURN = 0x06 };
enum { NUMBER = 0, ARCHITECTURE = 4, ALLOWED = 0x7fff0000, NOT_PERMITTED = 0x00050001, NOT_THERE = 0x00050026 };
enum { THREAD = 0x10000, FOREIGN_NUMBERS = 0x40000000 };

/* Of an argument's 64 bits the lower half: all that the kernel looks at in these. */
#define ARGUMENT(index) (16 + 8 * (index))

#define REFUSED(number, answer) {EQUAL, 0, 1, number}, {RETURN, 0, 0, answer}
#define REFUSED_WITH(number, index, argument)                                                                          \
    {EQUAL, 0, 4, number}, {LOAD, 0, 0, ARGUMENT(index)}, {EQUAL, 0, 1, argument}, {RETURN, 0, 0, NOT_PERMITTED},      \
        {RETURN, 0, 0, ALLOWED}

/* On top of the engine's filter, which stays in force and had to be opened for what the supervisor does: a child, this
 * filter, PR_SET_DUMPABLE, wait4. All of that is closed again here. In gVisor, where the engine's filter is off, this
 * is the only one, so it also has what could stop the supervisor or write to it. Fewer instructions come first for what
 * is called more often; Linux asks the filter once for each call that it allows whatever the arguments are. */
static const struct instruction filter_program[] = {
    {LOAD, 0, 0, ARCHITECTURE},
#if defined(__x86_64__)
    {EQUAL, 1, 0, 0xc000003e},
#else
    {EQUAL, 1, 0, 0xc00000b7},
#endif
    {RETURN, 0, 0, NOT_PERMITTED},
    {LOAD, 0, 0, NUMBER},
#if defined(__x86_64__)
    {AT_LEAST, 0, 1, FOREIGN_NUMBERS}, /* x32 */
    {RETURN, 0, 0, NOT_PERMITTED},
    REFUSED(CALL_FORK, NOT_PERMITTED),
    REFUSED(CALL_VFORK, NOT_PERMITTED),
#endif
    REFUSED(CALL_CLONE3, NOT_THERE), /* the C library falls back to clone */
    REFUSED(CALL_SECCOMP, NOT_PERMITTED),
    REFUSED(CALL_WAIT4, NOT_PERMITTED),
    REFUSED(CALL_PTRACE, NOT_PERMITTED),
    REFUSED(CALL_PROCESS_VM_WRITEV, NOT_PERMITTED),
    /* clone: threads alone */
    {EQUAL, 0, 4, CALL_CLONE},
    {LOAD, 0, 0, ARGUMENT(0)},
    {ANY_BIT, 0, 1, THREAD},
    {RETURN, 0, 0, ALLOWED},
    {RETURN, 0, 0, NOT_PERMITTED},
    /* prctl */
    {EQUAL, 0, 5, CALL_PRCTL},
    {LOAD, 0, 0, ARGUMENT(0)},
    {EQUAL, 1, 0, SET_SECCOMP},
    {EQUAL, 0, 1, SET_DUMPABLE},
    {RETURN, 0, 0, NOT_PERMITTED},
    {RETURN, 0, 0, ALLOWED},
    /* fcntl: no SIGSTOP in place of SIGIO */
    {EQUAL, 0, 6, CALL_FCNTL},
    {LOAD, 0, 0, ARGUMENT(1)},
    {EQUAL, 0, 3, SET_SIGNAL},
    {LOAD, 0, 0, ARGUMENT(2)},
    {EQUAL, 0, 1, SIG_STOP},
    {RETURN, 0, 0, NOT_PERMITTED},
    {RETURN, 0, 0, ALLOWED},
    REFUSED_WITH(CALL_KILL, 1, SIG_STOP),
    REFUSED_WITH(CALL_TKILL, 1, SIG_STOP),
    REFUSED_WITH(CALL_TGKILL, 2, SIG_STOP),
    REFUSED_WITH(CALL_RT_SIGQUEUEINFO, 1, SIG_STOP),
    REFUSED_WITH(CALL_RT_TGSIGQUEUEINFO, 2, SIG_STOP),
    REFUSED_WITH(CALL_PIDFD_SEND_SIGNAL, 1, SIG_STOP),
    {RETURN, 0, 0, ALLOWED},
};

static const char *value_of(const char *const *environment, const char *beginning)
{
    for (; *environment; environment++)
        if (begins_with(*environment, beginning))
            return *environment + text_length(beginning);
    return "";
}

/* Executes a program that is named as for a shell: one without a slash is looked for in the folders of PATH. */
static void execute(const char *const *arguments, const char *const *environment)
{
    const char *name = arguments[0], *folder = value_of(environment, "PATH=");
    size_t length = text_length(name) + 1;
    for (const char *at = name; *at; at++)
        if (*at == '/')
            folder = "";
    if (!*folder)
        CALL3(CALL_EXECVE, name, arguments, environment);
    while (*folder) {
        size_t part = 0;
        while (folder[part] && folder[part] != ':')
            part++;
        if (part + 1 + length <= sizeof buffer) { /* nothing has come yet: the buffer is free */
            memcpy(buffer, folder, part);
            buffer[part] = '/';
            memcpy(buffer + part + 1, name, length);
            CALL3(CALL_EXECVE, buffer, arguments, environment);
        }
        folder += part + (folder[part] == ':');
    }
}

__attribute__((noreturn)) static void become(int input, const char *const *arguments, const char *const *environment)
{
    const struct filter filter = {sizeof filter_program / sizeof *filter_program, filter_program};
    if (is_error(CALL3(CALL_DUP3, input, STDIN, 0)))
        give_up("no stdin for ", arguments[0], EXIT_FAILED);
    CALL3(CALL_CLOSE_RANGE, STDERR + 1, ~0U, 0); /* before Linux 5.9 there is no such call: what we opened closes itself */
    if (is_error(CALL3(CALL_PRCTL, SET_SECCOMP, FILTER_MODE, &filter)))
        give_up("no filter for ", arguments[0], EXIT_FAILED);
    execute(arguments, environment);
    give_up("can't execute ", arguments[0], EXIT_NO_PROGRAM);
}

/* -- the parent --------------------------------------------------------------------------------------------------- */

/* That a handler exists ends a wait; what it would do is done after each wait. */
static void note(int signal)
{
    (void)signal;
}

#if defined(__x86_64__)

/* The kernel demands that a handler returns by way of this. Source: sigreturn(2). */
__asm__(".text\n"
        "figbox_return:\n"
        "    movl $15, %eax\n"
        "    syscall\n");
extern const char figbox_return[] __attribute__((visibility("hidden")));
enum { HAS_RESTORER = 0x04000000 };
#define RETURN_FROM_HANDLER figbox_return

#else

enum { HAS_RESTORER = 0 }; /* it returns by way of the vdso */
#define RETURN_FROM_HANDLER 0

#endif

static void handle(int signal, const void *handler)
{
    struct signal_action action = {handler, HAS_RESTORER, RETURN_FROM_HANDLER, 0};
    if (is_error(CALL4(CALL_RT_SIGACTION, signal, &action, 0, SIGNAL_SET_BYTES)))
        leave(EXIT_FAILED);
}

/* SIGCHLD is let in only while we wait, so none comes between a look at the child and the wait. */
static void prepare_signals(void)
{
    const uint64_t child = 1ULL << (SIG_CHILD - 1);
    if (is_error(CALL4(CALL_RT_SIGPROCMASK, 0, &child, 0, SIGNAL_SET_BYTES))) /* SIG_BLOCK */
        leave(EXIT_FAILED);
    handle(SIG_CHILD, (const void *)note);
    handle(SIG_PIPE, (const void *)IGNORE);
    for (int signal = SIG_STOP_BY_TERMINAL; signal <= SIG_TERMINAL_OUT; signal++)
        handle(signal, (const void *)IGNORE);
}

/* Ends the child by hand where we aren't process 1 and the kernel doesn't do it. */
__attribute__((noreturn)) static void finish(long child, int code)
{
    CALL2(CALL_KILL, child, SIG_KILL);
    leave(code);
}

static void leave_with(long child)
{
    int32_t status = 0;
    long ended = CALL4(CALL_WAIT4, child, &status, WITHOUT_WAITING, 0);
    if (ended == child)
        leave(status & 0x7f ? EXIT_SIGNAL_BASE + (status & 0x7f) : status >> 8 & 0xff); /* source: wait(2) */
    if (ended)
        finish(child, EXIT_FAILED);
}

/* Reads what fits into the empty buffer; returns 0 at the end. */
static int take(void)
{
    long count = CALL3(CALL_READ, STDIN, buffer, sizeof buffer);
    if (count == -TRY_AGAIN || count == -INTERRUPTED)
        return 1;
    if (count <= 0)
        return 0;
    begin = 0;
    end = (uint64_t)count;
    return 1;
}

/* Writes what the child's pipe has room for; returns 0 when nobody can read it any more. */
static int pass_on(int output)
{
    long count = CALL3(CALL_WRITE, output, buffer + begin, end - begin);
    if (count == -TRY_AGAIN || count == -INTERRUPTED)
        return 1;
    if (count <= 0)
        return 0;
    begin += (uint64_t)count;
    return 1;
}

__attribute__((noreturn)) static void watch(long child, int output, int64_t idle_ns, int64_t wall_ns)
{
    const uint64_t none_blocked = 0;
    int64_t deadline = now() + idle_ns;
    int has_begun = 0, is_open = 1;
    for (;;) {
        leave_with(child);
        int64_t left = deadline - now();
        if (left <= 0)
            finish(child, has_begun ? EXIT_WALL : EXIT_ENDED);
        struct time limit = {left / SECOND_NS, left % SECOND_NS};
        int is_empty = begin == end;
        struct polled polled[] = {
            {STDIN, is_empty ? IN : 0, 0},
            {is_empty || !is_open ? -1 : output, OUT, 0},
        };
        long found = CALL5(CALL_PPOLL, polled, sizeof polled / sizeof *polled, &limit, &none_blocked, SIGNAL_SET_BYTES);
        if (found == -INTERRUPTED)
            continue;
        if (is_error(found))
            finish(child, EXIT_FAILED);
        if (polled[0].found & (HANG_UP | FAULT | INVALID))
            finish(child, EXIT_ENDED);
        if (polled[0].found & IN) {
            if (!take())
                finish(child, EXIT_ENDED);
            if (!has_begun && begin != end) {
                has_begun = 1;
                deadline = now() + wall_ns;
            }
        }
        if (polled[1].found && !pass_on(output)) {
            is_open = 0; /* the child has closed its stdin; the buffer stays full, so ours is only watched from now on */
            close_file(output);
        }
    }
}

/* Called from _start with what the kernel put on the stack: the number of arguments, the arguments, 0, the environment,
 * 0, the auxiliary vector. */
__attribute__((noreturn, used)) void figbox_supervise(const uint64_t *initial_stack)
{
    enum { FIRST_ARGUMENT = 3 };
    uint64_t count = initial_stack[0];
    const char *const *arguments = (const char *const *)(initial_stack + 1);
    const char *const *environment = arguments + count + 1;
    if (count <= FIRST_ARGUMENT)
        give_up("usage: supervisor IDLE_S WALL_S PROGRAM [ARGUMENT ...]", "", EXIT_FAILED);
    int64_t idle_ns = read_limit(arguments[1]), wall_ns = read_limit(arguments[2]);
    int32_t ends[2];
    if (is_error(CALL2(CALL_PRCTL, SET_DUMPABLE, 0)) || is_error(CALL2(CALL_PIPE2, ends, OPEN_CLOSE_ON_EXEC)))
        give_up("no pipe", "", EXIT_FAILED);
    long child = CALL5(CALL_CLONE, SIG_CHILD, 0, 0, 0, 0);
    if (is_error(child))
        give_up("no child", "", EXIT_FAILED);
    if (!child)
        become(ends[0], arguments + FIRST_ARGUMENT, environment);

    prepare_signals();
    close_file(ends[0]);
    /* The launcher sees the end of the guest's output when the guest closes it. */
    close_file(STDOUT);
    close_file(STDERR);
    /* Nor does reading block: in gVisor the guest can open our stdin, and take what we were told is there. */
    if (is_error(CALL3(CALL_FCNTL, ends[1], SET_STATUS_FLAGS, NOT_BLOCKING))
        || is_error(CALL3(CALL_FCNTL, STDIN, SET_STATUS_FLAGS, NOT_BLOCKING)))
        finish(child, EXIT_FAILED);
    watch(child, ends[1], idle_ns, wall_ns);
}

#if defined(__x86_64__)

__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "    xorl %ebp, %ebp\n"
        "    movq %rsp, %rdi\n"
        "    andq $-16, %rsp\n"
        "    call figbox_supervise\n");

#else

__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "    mov x29, 0\n"
        "    mov x30, 0\n"
        "    mov x0, sp\n"
        "    bl figbox_supervise\n");

#endif
