/* Writes the memory of this process to a descriptor, in the form of format.h; and goes on in the restored one.
 *
 * Loaded into a runner with ctypes. It allocates nothing but one mapping of its own, which isn't saved, and keeps in
 * its static memory what the restored process needs: that memory is saved and restored as all other is.
 *
 * What a page is saved as: nothing if it equals the file that is mapped there (most of all libraries), nothing if it
 * is all zeroes, else its contents. Runs of a few such pages between saved ones are saved with them, since each run
 * costs a system call in each restored process.
 *
 * Never saved: memory that its owner has declared to be for one process. There the C library keeps the state of
 * getrandom(), from which all restored processes would draw the same bytes. It must take zeroes for a state that the
 * kernel has dropped, and begin anew. Source: Linux lib/vdso/getrandom.c; glibc sysdeps/unix/sysv/linux/getrandom.c.
 */
#include "format.h"
#include "mappings.h"
#include "system.h"

#define EXPORTED __attribute__((visibility("default")))

/* Pages that don't need to be saved, in a run that is saved all the same. */
#define SHORT_RUN 16

#define COPY_BYTES (1ULL << 20)
#define MAPPINGS_BYTES (4ULL << 20)
#define AUXILIARY_LIMIT 64

enum { SIGNALS = 64, SIGNAL_SET_BYTES = 8 };

/* As the kernel has it, on both processors. Source: Linux include/uapi/asm/signal.h. */
struct signal_action {
    uint64_t handler, flags, restorer, mask;
};

struct signal_stack {
    uint64_t address;
    int32_t flags;
    uint64_t bytes;
};

/* Source: Linux include/uapi/linux/rseq.h. */
struct restartable_sequences {
    uint32_t cpu_start;
    int32_t cpu;
    uint64_t section;
};

/* glibc's, if this is glibc: where the C library believes the program break to be, and the area that it registered for
 * restartable sequences. Source: glibc sysdeps/unix/sysv/linux/brk.c, manual "Restartable Sequences". */
extern void *__curbrk __attribute__((weak));
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

/* What glibc tells debuggers: how many bytes its record of a thread has; and of the thread's number in it how many
 * bits, how many of them, and where. Source: glibc nptl/db_info.c, nptl_db/db_info.h. */
extern const uint32_t _thread_db_sizeof_pthread __attribute__((weak));
extern const uint32_t _thread_db_pthread_tid[3] __attribute__((weak));

/* What the dynamic linker has loaded. Source: <link.h>, struct r_debug and struct link_map. */
struct loaded_file {
    uint64_t address;
    const char *name;
    const void *dynamic;
    struct loaded_file *next, *previous;
};

struct loaded_files {
    int version;
    struct loaded_file *first;
};

extern struct loaded_files _r_debug __attribute__((weak));

/* By which it knows a file that it is asked to load once more. Source: glibc sysdeps/posix/dl-fileid.h. */
struct file_identity {
    uint64_t device, inode;
};

/* Where the kernel put arguments and environment of the restored process, as the x86-64 ABI ("process
 * initialization") lays them out; 0 in the saved one. */
EXPORTED uint64_t figbox_initial_stack;

/* Why the last figbox_save() failed. */
EXPORTED const char *figbox_error = "";

/* What a new process must be told again. */
static struct {
    struct signal_action actions[SIGNALS + 1];
    uint64_t blocked_signals;
    struct signal_stack signal_stack;
    char name[16];
    uint64_t thread_pointer;
    uint32_t float_control;
} kept;

/* Used while saving; not part of the snapshot. */
struct workspace {
    struct header header;
    struct segment segments[SEGMENT_LIMIT];
    uint32_t files[FILE_LIMIT];
    struct descriptor descriptors[DESCRIPTOR_LIMIT];
    char names[NAMES_LIMIT];
    char mappings[MAPPINGS_BYTES];
    uint64_t copy[COPY_BYTES / 8];
    uint64_t page_of_file[PAGE / 8];
    char path[NAMES_LIMIT / 16];
};

struct saver {
    struct workspace *space;
    uint64_t space_start, space_end;
    int output;
    uint64_t sum;
    uint64_t vdso_start, vdso_bytes;
};

static int failed(const char *reason)
{
    figbox_error = reason;
    return -1;
}

/* -- registers ---------------------------------------------------------------------------------------------------- */

/* Keeps what a called function must keep, and returns 0; returns once more when the restorer has jumped here, with the
 * value that it passes. Source: System V ABI for x86-64, "Registers"; AAPCS64, "Parameter passing". */
uint64_t figbox_capture(struct registers *registers) __attribute__((returns_twice));

#if defined(__x86_64__)

__asm__(".text\n"
        ".hidden figbox_capture\n"
        ".globl figbox_capture\n"
        ".type figbox_capture, @function\n"
        "figbox_capture:\n"
        "    endbr64\n"
        "    movq %rbx, 0(%rdi)\n"
        "    movq %rbp, 8(%rdi)\n"
        "    movq %r12, 16(%rdi)\n"
        "    movq %r13, 24(%rdi)\n"
        "    movq %r14, 32(%rdi)\n"
        "    movq %r15, 40(%rdi)\n"
        "    leaq 8(%rsp), %rdx\n" /* the stack as the caller sees it after the return */
        "    movq %rdx, 48(%rdi)\n"
        "    movq (%rsp), %rdx\n"
        "    movq %rdx, 56(%rdi)\n"
        "    xorl %eax, %eax\n"
        "    ret\n"
        ".size figbox_capture, . - figbox_capture\n");

/* Source: arch_prctl(2). */
enum { GET_THREAD_POINTER = 0x1003, SHADOW_STACK_STATUS = 0x5005 };

static uint64_t thread_pointer(void)
{
    uint64_t value = 0;
    CALL2(CALL_ARCH_PRCTL, GET_THREAD_POINTER, &value);
    return value;
}

static uint64_t stack_pointer_of(const struct registers *registers)
{
    return registers->rsp;
}

static uint32_t float_control(void)
{
    uint32_t value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

static void set_float_control(uint32_t value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(value));
}

/* Return addresses are then also kept where no restorer can put them. */
static const char *protected_returns(uint64_t hwcap)
{
    uint64_t status = 0;
    (void)hwcap;
    if (!is_error(CALL2(CALL_ARCH_PRCTL, SHADOW_STACK_STATUS, &status)) && status)
        return "the process has a shadow stack";
    return NULL;
}

#define SEQUENCES_SIGNATURE 0x53053053U

#else

__asm__(".text\n"
        ".hidden figbox_capture\n"
        ".globl figbox_capture\n"
        ".type figbox_capture, %function\n"
        "figbox_capture:\n"
        "    stp x19, x20, [x0, 0]\n"
        "    stp x21, x22, [x0, 16]\n"
        "    stp x23, x24, [x0, 32]\n"
        "    stp x25, x26, [x0, 48]\n"
        "    stp x27, x28, [x0, 64]\n"
        "    stp x29, x30, [x0, 80]\n"
        "    mov x1, sp\n"
        "    str x1, [x0, 96]\n"
        "    stp d8, d9, [x0, 104]\n"
        "    stp d10, d11, [x0, 120]\n"
        "    stp d12, d13, [x0, 136]\n"
        "    stp d14, d15, [x0, 152]\n"
        "    mov x0, 0\n"
        "    ret\n"
        ".size figbox_capture, . - figbox_capture\n");

static uint64_t thread_pointer(void)
{
    uint64_t value;
    __asm__("mrs %0, tpidr_el0" : "=r"(value));
    return value;
}

static uint64_t stack_pointer_of(const struct registers *registers)
{
    return registers->sp;
}

static uint32_t float_control(void)
{
    uint64_t value;
    __asm__ volatile("mrs %0, fpcr" : "=r"(value));
    return (uint32_t)value;
}

static void set_float_control(uint32_t value)
{
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)value));
}

/* HWCAP_PACA: return addresses on the stack may be signed with keys that every process gets anew. Source: Linux
 * Documentation/arch/arm64/pointer-authentication.rst. */
static const char *protected_returns(uint64_t hwcap)
{
    return hwcap >> 30 & 1 ? "the processor signs return addresses" : NULL;
}

#define SEQUENCES_SIGNATURE 0xd428bc00U

#endif

/* -- what the dynamic linker has loaded --------------------------------------------------------------------------- */

/* Source: Linux struct stat, which begins alike on both processors; 144 or 128 bytes. */
static struct file_identity identity_of(const char *name)
{
    uint64_t status[18] = {0};
    CALL4(CALL_NEWFSTATAT, AT_CURRENT_FOLDER, name, status, 0);
    return (struct file_identity){status[0], status[1]};
}

static struct file_identity *identity_at(struct loaded_file *file, uint64_t offset)
{
    return (struct file_identity *)((char *)file + offset);
}

static int same_identity(const struct file_identity *left, const struct file_identity *right)
{
    return left->device == right->device && left->inode == right->inode;
}

/* Finds where the dynamic linker keeps identities: behind what <link.h> tells, by that of a file that it has loaded.
 * Returns 0 if it isn't found. */
static uint64_t offset_of_identities(void)
{
    enum { BYTES = 1536 }; /* struct link_map has about 1,200 */
    for (struct loaded_file *file = &_r_debug ? _r_debug.first : NULL; file; file = file->next) {
        if (*file->name != '/')
            continue;
        struct file_identity identity = identity_of(file->name);
        for (uint64_t offset = sizeof *file; offset < BYTES; offset += 8)
            if (same_identity(identity_at(file, offset), &identity))
                return offset;
    }
    return 0;
}

/* Devices and, in gVisor, inodes have other numbers in each container. With the old ones the dynamic linker would take
 * a library that is loaded later for another one, which had its numbers then. It goes by names first; only one that is
 * named by another path is loaded twice. To tell each restored process its numbers would cost 400 page faults. */
static int forget_identities(void)
{
    uint64_t offset = offset_of_identities();
    if (!offset)
        return failed("the dynamic linker's records aren't understood");
    for (struct loaded_file *file = _r_debug.first; file; file = file->next)
        *identity_at(file, offset) = (struct file_identity){0, 0};
    return 0;
}

/* -- in the restored process -------------------------------------------------------------------------------------- */

/* The C library goes on believing that its area is registered. Where that can't be done again it must know, or it would
 * take an old number for that of the present core. Source: glibc sysdeps/unix/sysv/linux/sched_getcpu.c. */
static void register_sequences(void)
{
    enum { BYTES = 32, REGISTRATION_FAILED = -2 };
    if (!&__rseq_offset || !&__rseq_size || !__rseq_size)
        return;
    struct restartable_sequences *area = (void *)(kept.thread_pointer + (uint64_t)__rseq_offset);
    if (area->cpu < 0)
        return; /* it wasn't registered in the saved process either */
    area->section = 0;
    if (is_error(CALL4(CALL_RSEQ, area, BYTES, 0, SEQUENCES_SIGNATURE))) {
        area->cpu_start = 0;
        area->cpu = REGISTRATION_FAILED;
    }
}

/* Returns where the C library keeps the number of its only thread, or NULL: the record is at the thread pointer, or
 * ends there. Source: glibc sysdeps/{x86_64,aarch64}/nptl/tls.h, THREAD_SELF. */
static int32_t *thread_number(void)
{
    if (!&_thread_db_sizeof_pthread || !_thread_db_pthread_tid || _thread_db_pthread_tid[0] != 32)
        return NULL;
#if defined(__x86_64__)
    uint64_t record = kept.thread_pointer;
#else
    uint64_t record = kept.thread_pointer - _thread_db_sizeof_pthread;
#endif
    return (int32_t *)(record + _thread_db_pthread_tid[2]);
}

static void unmap_restorer(uint64_t program_break)
{
    CALL2(CALL_MUNMAP, RESTORER_TABLES, RESTORER_END - RESTORER_TABLES);
    if (program_break > RESTORER_START && program_break < RESTORER_TABLES)
        CALL2(CALL_MUNMAP, RESTORER_START, program_break / PAGE * PAGE - RESTORER_START);
}

static int resume(uint64_t initial_stack)
{
    enum { SET_NAME = 15 }; /* PR_SET_NAME */
    figbox_initial_stack = initial_stack;
    uint64_t program_break = (uint64_t)CALL1(CALL_BRK, 0);
    unmap_restorer(program_break);
    if (&__curbrk)
        __curbrk = (void *)program_break;
    *thread_number() = (int32_t)CALL0(CALL_GETPID);
    register_sequences();
    set_float_control(kept.float_control);
    for (int signal = 1; signal <= SIGNALS; signal++)
        if (kept.actions[signal].handler)
            CALL4(CALL_RT_SIGACTION, signal, &kept.actions[signal], 0, SIGNAL_SET_BYTES);
    if (kept.signal_stack.bytes)
        CALL2(CALL_SIGALTSTACK, &kept.signal_stack, 0);
    CALL2(CALL_PRCTL, SET_NAME, kept.name);
    CALL4(CALL_RT_SIGPROCMASK, 2, &kept.blocked_signals, 0, SIGNAL_SET_BYTES); /* SIG_SETMASK */
    return 1;
}

/* The robust list and the address that the kernel clears at the thread's end aren't told again: no call that the
 * filter allows says what they are, and they matter only to threads that wait for the end of the first one. */
static void keep_process_state(void)
{
    for (int signal = 1; signal <= SIGNALS; signal++)
        CALL4(CALL_RT_SIGACTION, signal, 0, &kept.actions[signal], SIGNAL_SET_BYTES);
    CALL4(CALL_RT_SIGPROCMASK, 0, 0, &kept.blocked_signals, SIGNAL_SET_BYTES);
    CALL2(CALL_SIGALTSTACK, 0, &kept.signal_stack);
    kept.float_control = float_control();
    kept.thread_pointer = thread_pointer();
    int file = open_file("/proc/self/comm", OPEN_READ);
    long length = file < 0 ? 0 : CALL3(CALL_READ, file, kept.name, sizeof kept.name - 1);
    close_file(file);
    kept.name[length > 0 ? length - 1 : 0] = 0; /* without the line's end */
}

/* -- what is there ------------------------------------------------------------------------------------------------ */

/* Returns the number of a name in the tables, adding it if it is new; -1 if there is no room. */
static long number_of_file(struct workspace *space, const char *name)
{
    struct header *header = &space->header;
    for (uint32_t file = 0; file < header->file_count; file++)
        if (same_text(space->names + space->files[file], name))
            return file;
    uint64_t bytes = text_length(name) + 1;
    if (header->file_count == FILE_LIMIT || header->names_bytes + bytes > NAMES_LIMIT)
        return -1;
    space->files[header->file_count] = (uint32_t)header->names_bytes;
    memcpy(space->names + header->names_bytes, name, bytes);
    header->names_bytes += bytes;
    return header->file_count++;
}

static int goes_on(const struct segment *last, const struct segment *next)
{
    int same = last->start + last->length == next->start && last->source == next->source
        && last->protection == next->protection;
    return same && (last->source > LAST_FILE || last->offset + last->length == next->offset);
}

/* Adds a segment after the last one, or to it. A short run between two saved ones is saved with them. */
static int add_segment(struct workspace *space, struct segment next)
{
    struct header *header = &space->header;
    struct segment *last = header->segment_count ? &space->segments[header->segment_count - 1] : NULL;
    if (last && goes_on(last, &next)) {
        last->length += next.length;
        return 0;
    }
    if (header->segment_count > 1 && next.source == FROM_SNAPSHOT && last->source != FROM_SNAPSHOT
        && last->source != FORGOTTEN && last->length <= SHORT_RUN * PAGE && last->start + last->length == next.start
        && last->protection == next.protection) {
        struct segment *before = last - 1;
        struct segment joined = {last->start, last->length, 0, FROM_SNAPSHOT, last->protection};
        if (goes_on(before, &joined)) {
            before->length += last->length + next.length;
            header->segment_count--;
            return 0;
        }
    }
    if (header->segment_count == SEGMENT_LIMIT)
        return failed("there are too many segments");
    space->segments[header->segment_count++] = next;
    return 0;
}

static int is_zero(const word *page)
{
    for (uint64_t at = 0; at < PAGE / 8; at++)
        if (page[at])
            return 0;
    return 1;
}

static int equals_file(struct workspace *space, int file, uint64_t offset, const word *page)
{
    if (CALL4(CALL_PREAD, file, space->page_of_file, PAGE, offset) != (long)PAGE)
        return 0; /* the last page of a file is saved: what follows in it is zeroes, or not */
    for (uint64_t at = 0; at < PAGE / 8; at++)
        if (page[at] != space->page_of_file[at])
            return 0;
    return 1;
}

/* Code of a file is taken from it again: where memory differs, gVisor's systrap has made system calls in it jump
 * through entries of its [usertrap] that other processes don't have. Source: gVisor platform/systrap/usertrap. */
static int is_code(const struct mapping *found)
{
    return found->protection & EXECUTE && !(found->protection & WRITE);
}

/* Adds the pages from `start` to `end` of a mapping that can be read; `file` is what is mapped there, or negative. */
static int add_pages(struct workspace *space, const struct mapping *found, uint64_t start, uint64_t end, int file)
{
    long number = file < 0 ? -1 : number_of_file(space, found->name);
    if (file >= 0 && number < 0)
        return failed("there are too many files");
    for (uint64_t at = start; at < end; at += PAGE) {
        struct segment next = {at, PAGE, 0, FROM_SNAPSHOT, found->protection};
        const word *page = (const word *)at;
        uint64_t offset = found->offset + (at - found->start);
        if (file >= 0 && (is_code(found) || equals_file(space, file, offset, page))) {
            next.source = (uint32_t)number;
            next.offset = offset;
        } else if (is_zero(page)) {
            next.source = ZEROES;
        }
        if (add_segment(space, next))
            return -1;
    }
    return 0;
}

static int add_part(struct workspace *space, const struct mapping *found, uint64_t start, uint64_t end)
{
    if (start >= end)
        return 0;
    if (found->is_for_this_process)
        return add_segment(space, (struct segment){start, end - start, 0, FORGOTTEN, found->protection});
    if (!found->protection)
        return add_segment(space, (struct segment){start, end - start, 0, ZEROES, 0});
    if (!(found->protection & READ))
        return failed("a mapping can't be read");
    int file = *found->name == '/' ? open_file(found->name, OPEN_READ) : -1;
    int result = add_pages(space, found, start, end, file);
    if (file >= 0)
        close_file(file);
    return result;
}

static int add_kernel_mapping(struct saver *saver, const struct mapping *found, enum kind kind)
{
    struct header *header = &saver->space->header;
    if (header->kernel_mapping_count == KERNEL_MAPPING_LIMIT)
        return failed("there are too many mappings of the kernel's");
    struct kernel_mapping *next = &header->kernel_mappings[header->kernel_mapping_count++];
    for (unsigned at = 0; at < sizeof next->name - 1 && found->name[at]; at++)
        next->name[at] = found->name[at];
    next->start = found->start;
    next->length = found->end - found->start;
    if (kind == KERNEL_CODE) {
        saver->vdso_start = next->start;
        saver->vdso_bytes = next->length;
    }
    return 0;
}

/* Adds one mapping, but for our workspace, with which the kernel may have joined it. */
static int add_mapping(struct saver *saver, const struct mapping *found, uint64_t stack_pointer)
{
    struct header *header = &saver->space->header;
    if (found->is_shared && found->protection & WRITE)
        return failed("memory is shared with another process");
    if (stack_pointer >= found->start && stack_pointer < found->end) {
        if (found->protection != (READ | WRITE))
            return failed("the stack can be executed");
        header->stack_start = stack_pointer / PAGE * PAGE;
        header->stack_end = found->end;
        return 0;
    }
    if (found->end > ADDRESS_LIMIT || (found->start < RESTORER_END && found->end > RESTORER_START))
        return failed("a mapping is where the restorer would be");
    if (saver->space_end <= found->start || saver->space_start >= found->end)
        return add_part(saver->space, found, found->start, found->end);
    if (add_part(saver->space, found, found->start, saver->space_start))
        return -1;
    return add_part(saver->space, found, saver->space_end, found->end);
}

static int add_mappings(struct saver *saver)
{
    struct workspace *space = saver->space;
    if (read_mappings("/proc/self/smaps", space->mappings, MAPPINGS_BYTES) < 0)
        return failed("the list of mappings can't be read");
    uint64_t stack_pointer = stack_pointer_of(&space->header.registers);
    char *text = space->mappings;
    struct mapping found;
    enum kind kind = ORDINARY;
    while (next_mapping(&text, &found, kind, &kind)) {
        if (kind == UNTOUCHABLE)
            continue;
        if (kind == ORDINARY ? add_mapping(saver, &found, stack_pointer) : add_kernel_mapping(saver, &found, kind))
            return -1;
    }
    if (!space->header.stack_end || !saver->vdso_start)
        return failed("stack or vdso weren't found");
    return 0;
}

static void append_number(char *text, uint64_t number)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    text += text_length(text);
    while (count)
        *text++ = digits[--count];
    *text = 0;
}

static int add_descriptor(struct workspace *space, unsigned number, uint32_t flags)
{
    static const char deleted[] = " (deleted)";
    struct header *header = &space->header;
    char link[32] = "/proc/self/fd/";
    append_number(link, number);
    long length = CALL4(CALL_READLINKAT, AT_CURRENT_FOLDER, link, space->path, sizeof space->path - 1);
    if (length <= 0)
        return failed("an open descriptor can't be examined");
    space->path[length] = 0;
    if (space->path[0] != '/' || (length > (long)sizeof deleted
        && same_text(space->path + length - (sizeof deleted - 1), deleted)))
        return failed("a pipe, a socket or a deleted file is open");
    uint32_t status = (uint32_t)CALL3(CALL_FCNTL, number, GET_STATUS_FLAGS, 0);
    if ((status & OPEN_ACCESS_MODES) != OPEN_READ && !same_text(space->path, "/dev/null"))
        return failed("a file is open for writing");
    long file = number_of_file(space, space->path);
    if (file < 0 || header->descriptor_count == DESCRIPTOR_LIMIT)
        return failed("there are too many open files");
    long position = CALL3(CALL_LSEEK, number, 0, SEEK_FROM_HERE);
    space->descriptors[header->descriptor_count++] = (struct descriptor){
        .position = is_error(position) ? 0 : (uint64_t)position,
        .number = number,
        .file = (uint32_t)file,
        .flags = status,
        .close_on_exec = flags & 1,
    };
    return 0;
}

/* Adds all open files but the standard streams, which are each container's own. */
static int add_descriptors(struct saver *saver)
{
    for (unsigned number = 3; number < 1024; number++) {
        long flags = CALL3(CALL_FCNTL, number, GET_DESCRIPTOR_FLAGS, 0);
        if (is_error(flags) || (int)number == saver->output)
            continue;
        if (add_descriptor(saver->space, number, (uint32_t)flags))
            return -1;
    }
    return 0;
}

/* Source: getdents64(2): a record has its length at 16, its name at 19. */
static int has_one_thread(struct workspace *space)
{
    enum { LENGTH_AT = 16, NAME_AT = 19 };
    int folder = open_file("/proc/self/task", OPEN_READ);
    long bytes = folder < 0 ? 0 : CALL3(CALL_GETDENTS64, folder, space->copy, COPY_BYTES);
    int threads = 0;
    const char *records = (const char *)space->copy;
    for (long at = 0; at < bytes;) {
        uint16_t length;
        memcpy(&length, records + at + LENGTH_AT, sizeof length);
        threads += records[at + NAME_AT] != '.';
        at += length;
    }
    close_file(folder);
    return threads == 1;
}

static uint64_t auxiliary(struct workspace *space, uint64_t wanted)
{
    uint64_t *pairs = space->copy;
    int file = open_file("/proc/self/auxv", OPEN_READ);
    long bytes = file < 0 ? 0 : CALL3(CALL_READ, file, pairs, AUXILIARY_LIMIT * 16);
    close_file(file);
    for (long at = 0; at + 1 < bytes / 8; at += 2)
        if (pairs[at] == wanted)
            return pairs[at + 1];
    return 0;
}

/* -- the file ----------------------------------------------------------------------------------------------------- */

static int write_out(struct saver *saver, const void *data, uint64_t bytes)
{
    const char *at = data;
    while (bytes) {
        long count = CALL3(CALL_WRITE, saver->output, at, bytes);
        if (count <= 0)
            return failed("the snapshot can't be written");
        at += count;
        bytes -= (uint64_t)count;
    }
    return 0;
}

/* Memory is copied first, since some of it changes while we write: our own stack. */
static int write_memory(struct saver *saver, uint64_t start, uint64_t bytes)
{
    while (bytes) {
        uint64_t part = bytes < COPY_BYTES ? bytes : COPY_BYTES;
        memcpy(saver->space->copy, (const void *)start, part);
        saver->sum = checksum(saver->sum, saver->space->copy, part);
        if (write_out(saver, saver->space->copy, part))
            return -1;
        start += part;
        bytes -= part;
    }
    return 0;
}

static void lay_out(struct workspace *space)
{
    struct header *header = &space->header;
    header->data_offset = rounded_up(offset_of_names(header) + header->names_bytes, PAGE);
    uint64_t offset = header->data_offset;
    for (uint32_t at = 0; at < header->segment_count; at++) {
        struct segment *segment = &space->segments[at];
        if (segment->source == FROM_SNAPSHOT) {
            segment->offset = offset;
            offset += segment->length;
        }
    }
    header->stack_offset = offset;
    offset += header->stack_end - header->stack_start;
    header->data_bytes = offset - header->data_offset;
}

/* Whoever stores the snapshot has to know its size first, and needn't look into it. */
static int write_size(struct saver *saver)
{
    const struct header *header = &saver->space->header;
    char line[24] = "";
    append_number(line, header->data_offset + header->data_bytes + sizeof saver->sum);
    line[text_length(line)] = '\n';
    return write_out(saver, line, text_length(line));
}

static int write_tables(struct saver *saver)
{
    struct workspace *space = saver->space;
    struct header *header = &space->header;
    char *whole = (char *)space->mappings; /* no longer needed */
    if (header->data_offset > TABLES_LIMIT)
        return failed("the tables are too long");
    memset(whole, 0, header->data_offset);
    memcpy(whole + sizeof *header, space->segments, header->segment_count * sizeof *space->segments);
    memcpy(whole + offset_of_files(header), space->files, header->file_count * sizeof *space->files);
    memcpy(whole + offset_of_descriptors(header), space->descriptors,
           header->descriptor_count * sizeof *space->descriptors);
    memcpy(whole + offset_of_names(header), space->names, header->names_bytes);
    memcpy(whole, header, sizeof *header);
    uint64_t unsummed = offsetof(struct header, data_offset);
    header->checksum = checksum(CHECKSUM_START, whole + unsummed, header->data_offset - unsummed);
    memcpy(whole, header, sizeof *header);
    return write_out(saver, whole, header->data_offset);
}

static int write_file(struct saver *saver)
{
    struct workspace *space = saver->space;
    const struct header *header = &space->header;
    lay_out(space);
    if (write_size(saver) || write_tables(saver))
        return -1;
    saver->sum = CHECKSUM_START;
    for (uint32_t at = 0; at < header->segment_count; at++) {
        const struct segment *segment = &space->segments[at];
        if (segment->source == FROM_SNAPSHOT && write_memory(saver, segment->start, segment->length))
            return -1;
    }
    if (write_memory(saver, header->stack_start, header->stack_end - header->stack_start))
        return -1;
    return write_out(saver, &saver->sum, sizeof saver->sum);
}

static int save(struct saver *saver)
{
    enum { PAGE_SIZE = 6, HWCAP = 16, HWCAP2 = 26 }; /* source: getauxval(3), <elf.h> */
    struct workspace *space = saver->space;
    if (auxiliary(space, PAGE_SIZE) != PAGE)
        return failed("the kernel's pages are of another size");
    uint64_t hwcap = auxiliary(space, HWCAP), hwcap2 = auxiliary(space, HWCAP2);
    const char *protection = protected_returns(hwcap);
    if (protection)
        return failed(protection);
    if (!has_one_thread(space))
        return failed("the process has more than one thread");
    if (!thread_number() || *thread_number() != (int32_t)CALL0(CALL_GETPID))
        return failed("the C library's record of the thread isn't understood");
    if (forget_identities() || add_mappings(saver) || add_descriptors(saver))
        return -1;
    struct header *header = &space->header;
    header->magic = MAGIC;
    header->thread_pointer = kept.thread_pointer;
    header->machine = this_machine((const void *)saver->vdso_start, saver->vdso_bytes, hwcap, hwcap2);
    return write_file(saver);
}

/* Writes a line with the number of bytes to a descriptor, then that many: this process. Returns 0 when that is done, 1
 * in the restored process, and -1 if it can't be done: figbox_error then says why. */
EXPORTED int figbox_save(int output)
{
    uint64_t bytes = rounded_up(sizeof(struct workspace), PAGE);
    long start = map(0, bytes, READ | WRITE, MAP_PRIVATE_COPY | MAP_NO_FILE, -1, 0);
    if (is_error(start))
        return failed("there is no memory for the saver");
    struct saver saver = {
        .space = (struct workspace *)start,
        .space_start = (uint64_t)start,
        .space_end = (uint64_t)start + bytes,
        .output = output,
    };
    keep_process_state();
    uint64_t initial_stack = figbox_capture(&saver.space->header.registers);
    if (initial_stack)
        return resume(initial_stack);
    int result = save(&saver);
    CALL2(CALL_MUNMAP, start, bytes);
    return result;
}
