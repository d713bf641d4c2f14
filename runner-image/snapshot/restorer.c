/* What the supervisor starts in a container with a snapshot: puts the saved process where it was, and becomes it.
 *
 *     restorer FILE [ARGUMENT ...]     restores; the saved process finds the arguments on its initial stack
 *     restorer --check FILE            reads all of the file, restores nothing; exit code 0 if it could be, else 120
 *                                      with the reason on stdout
 *
 * A static program without a C library, linked where nothing else ever is (format.h). Nothing is changed before
 * everything that can be checked has been. What fails is told on stderr, with exit code 120; the launcher then
 * makes a container that imports.
 */
#include "format.h"
#include "mappings.h"
#include "system.h"

enum { EXIT_NOT_RESTORED = 120, STDOUT = 1, STDERR = 2, SEEK_FROM_END = 2 };

/* Where failures are told: a check that fails is an answer, a restore that fails is none. */
static int complaints = STDERR;

static struct header header;
static char mappings[1 << 16];
static uint64_t buffer[1 << 13];

static void say(const char *text)
{
    CALL3(CALL_WRITE, complaints, text, text_length(text));
}

__attribute__((noreturn)) static void leave(int code)
{
    CALL1(CALL_EXIT_GROUP, code);
    for (;;)
        __builtin_trap();
}

__attribute__((noreturn)) static void give_up(const char *reason)
{
    say("snapshot not restored: ");
    say(reason);
    say("\n");
    leave(EXIT_NOT_RESTORED);
}

/* -- checks ------------------------------------------------------------------------------------------------------- */

static int are_pages(uint64_t start, uint64_t length)
{
    return start % PAGE == 0 && length % PAGE == 0 && length && start + length > start
        && start + length <= ADDRESS_LIMIT;
}

static int overlap(uint64_t start, uint64_t end, uint64_t other_start, uint64_t other_end)
{
    return start < other_end && other_start < end;
}

static int is_ours(uint64_t start, uint64_t end)
{
    return overlap(start, end, RESTORER_START, RESTORER_END);
}

static uint64_t open_snapshot(int file)
{
    long size = CALL3(CALL_LSEEK, file, 0, SEEK_FROM_END);
    if (CALL4(CALL_PREAD, file, &header, sizeof header, 0) != (long)sizeof header || header.magic != MAGIC)
        give_up("the file is no snapshot");
    uint64_t end = header.data_offset + header.data_bytes;
    if (header.data_offset % PAGE || header.data_offset > TABLES_LIMIT || header.data_bytes % PAGE
        || header.data_bytes > ADDRESS_LIMIT || (uint64_t)size != end + sizeof(uint64_t)
        || header.segment_count > SEGMENT_LIMIT || header.file_count > FILE_LIMIT
        || header.descriptor_count > DESCRIPTOR_LIMIT || header.kernel_mapping_count > KERNEL_MAPPING_LIMIT
        || header.names_bytes > NAMES_LIMIT || offset_of_names(&header) + header.names_bytes > header.data_offset)
        give_up("the file is truncated or damaged");
    return end;
}

static struct tables map_tables(int file)
{
    long start = map(RESTORER_TABLES, header.data_offset, READ, MAP_PRIVATE_COPY | MAP_AT_ADDRESS, file, 0);
    if (start != (long)RESTORER_TABLES)
        give_up("the tables can't be mapped");
    const char *whole = (const char *)start;
    uint64_t unsummed = offsetof(struct header, data_offset);
    if (checksum(CHECKSUM_START, whole + unsummed, header.data_offset - unsummed) != header.checksum)
        give_up("the file is damaged");
    return (struct tables){
        .header = (const struct header *)whole,
        .segments = (const struct segment *)(whole + sizeof header),
        .files = (const uint32_t *)(whole + offset_of_files(&header)),
        .descriptors = (const struct descriptor *)(whole + offset_of_descriptors(&header)),
        .names = whole + offset_of_names(&header),
    };
}

static int is_in_data(uint64_t offset, uint64_t length)
{
    uint64_t end = header.data_offset + header.data_bytes;
    return offset % PAGE == 0 && offset >= header.data_offset && offset <= end && length <= end - offset;
}

static void check_segments(const struct tables *tables)
{
    uint64_t last = 0;
    for (uint32_t at = 0; at < header.segment_count; at++) {
        const struct segment *segment = &tables->segments[at];
        uint64_t end = segment->start + segment->length;
        int good = are_pages(segment->start, segment->length) && segment->start >= last
            && !is_ours(segment->start, end)
            && !overlap(segment->start, end, header.stack_end - STACK_BYTES, header.stack_end)
            && !(segment->protection & ~(READ | WRITE | EXECUTE));
        if (segment->source == FROM_SNAPSHOT)
            good = good && is_in_data(segment->offset, segment->length);
        else if (segment->source <= LAST_FILE)
            good = good && segment->source < header.file_count;
        if (!good)
            give_up("a segment is damaged");
        last = end;
    }
}

static void check_kernel_mappings(const struct tables *tables)
{
    for (uint32_t at = 0; at < header.kernel_mapping_count; at++) {
        const struct kernel_mapping *mapping = &header.kernel_mappings[at];
        uint64_t end = mapping->start + mapping->length;
        int good = are_pages(mapping->start, mapping->length) && !is_ours(mapping->start, end)
            && !overlap(mapping->start, end, header.stack_end - STACK_BYTES, header.stack_end)
            && !mapping->name[sizeof mapping->name - 1];
        for (uint32_t before = 0; before < at; before++)
            good = good && !overlap(mapping->start, end, header.kernel_mappings[before].start,
                                    header.kernel_mappings[before].start + header.kernel_mappings[before].length);
        for (uint32_t segment = 0; segment < header.segment_count; segment++)
            good = good && !overlap(mapping->start, end, tables->segments[segment].start,
                                    tables->segments[segment].start + tables->segments[segment].length);
        if (!good)
            give_up("its mappings of the kernel's are damaged");
    }
}

static void check_tables(const struct tables *tables)
{
    uint64_t stack_bytes = header.stack_end - header.stack_start;
    if (!are_pages(header.stack_start, stack_bytes) || stack_bytes > STACK_BYTES / 2
        || header.stack_end < 2 * STACK_BYTES || is_ours(header.stack_end - STACK_BYTES, header.stack_end)
        || !is_in_data(header.stack_offset, stack_bytes))
        give_up("its stack is damaged");
    check_segments(tables);
    if (header.names_bytes && tables->names[header.names_bytes - 1])
        give_up("its names are damaged");
    for (uint32_t file = 0; file < header.file_count; file++)
        if (tables->files[file] >= header.names_bytes)
            give_up("its names are damaged");
    for (uint32_t at = 0; at < header.descriptor_count; at++)
        if (tables->descriptors[at].file >= header.file_count || tables->descriptors[at].number < 3)
            give_up("its descriptors are damaged");
    check_kernel_mappings(tables);
}

static void check_data(int file, uint64_t end)
{
    uint64_t sum = CHECKSUM_START, expected = 0;
    for (uint64_t at = header.data_offset; at < end;) {
        uint64_t part = end - at < sizeof buffer ? end - at : sizeof buffer;
        if (CALL4(CALL_PREAD, file, buffer, part, at) != (long)part)
            give_up("the file can't be read");
        sum = checksum(sum, buffer, part);
        at += part;
    }
    CALL4(CALL_PREAD, file, &expected, sizeof expected, end);
    if (sum != expected)
        give_up("the file is damaged");
}

/* Returns a value of the auxiliary vector, which follows arguments and environment; 0 if it isn't there. */
static uint64_t auxiliary(const uint64_t *initial_stack, uint64_t wanted)
{
    const uint64_t *at = initial_stack + 1 + initial_stack[0] + 1;
    while (*at)
        at++; /* past the environment */
    for (at++; at[0]; at += 2)
        if (at[0] == wanted)
            return at[1];
    return 0;
}

/* Executes this program once more: the kernel puts its stack somewhere else. Of 2,000 processes one finds its stack
 * where the saved one had its own; on aarch64, where stacks are spread over 1 GiB, one of 120. If something else is in
 * the way it may always be there, so one attempt in 256 is the last. Source: Linux STACK_RND_MASK; getauxval(3). */
__attribute__((noreturn)) static void try_again(const uint64_t *initial_stack)
{
    enum { RANDOM_BYTES = 25, PROGRAM_NAME = 31 };
    const unsigned char *random = (const unsigned char *)auxiliary(initial_stack, RANDOM_BYTES);
    const char *program = (const char *)auxiliary(initial_stack, PROGRAM_NAME);
    const uint64_t *arguments = initial_stack + 1, *environment = arguments + initial_stack[0] + 1;
    if (random && *random && program)
        CALL3(CALL_EXECVE, program, arguments, environment);
    give_up("an address is taken");
}

/* Ends unless all that will be mapped is free, and returns the kernel's mappings where they are now. */
static void check_addresses(const struct tables *tables, const uint64_t *initial_stack, uint64_t *kernel_starts)
{
    if (read_mappings("/proc/self/maps", mappings, sizeof mappings) < 0)
        give_up("the list of mappings can't be read");
    char *text = mappings;
    struct mapping found;
    enum kind kind = ORDINARY;
    uint32_t moved = 0;
    while (next_mapping(&text, &found, kind, &kind)) {
        if (kind == KERNEL_DATA || kind == KERNEL_CODE) {
            const struct kernel_mapping *saved = &header.kernel_mappings[moved];
            if (moved == header.kernel_mapping_count || !same_text(saved->name, found.name)
                || saved->length != found.end - found.start)
                give_up("the kernel maps something else");
            kernel_starts[moved++] = found.start;
            continue;
        }
        if (found.start >= ADDRESS_LIMIT || (found.start >= RESTORER_START && found.end <= RESTORER_END))
            continue;
        if (overlap(found.start, found.end, header.stack_end - STACK_BYTES, header.stack_end))
            try_again(initial_stack);
        for (uint32_t at = 0; at < header.kernel_mapping_count; at++)
            if (overlap(found.start, found.end, header.kernel_mappings[at].start,
                        header.kernel_mappings[at].start + header.kernel_mappings[at].length))
                try_again(initial_stack);
        for (uint32_t at = 0; at < header.segment_count; at++)
            if (overlap(found.start, found.end, tables->segments[at].start,
                        tables->segments[at].start + tables->segments[at].length))
                try_again(initial_stack);
    }
    if (moved != header.kernel_mapping_count)
        give_up("the kernel maps something else");
}

static void check_machine(const uint64_t *initial_stack, const uint64_t *kernel_starts)
{
    enum { HWCAP = 16, HWCAP2 = 26 }; /* source: getauxval(3), <elf.h> */
    uint64_t hwcap = auxiliary(initial_stack, HWCAP), hwcap2 = auxiliary(initial_stack, HWCAP2);
    uint32_t code = header.kernel_mapping_count; /* the vdso comes after its data, or before it (since Linux 6.13) */
    for (uint32_t mapping = 0; mapping < header.kernel_mapping_count; mapping++)
        if (!begins_with(header.kernel_mappings[mapping].name, "[vvar"))
            code = mapping;
    if (code == header.kernel_mapping_count)
        give_up("it has no vdso");
    struct machine here =
        this_machine((const void *)kernel_starts[code], header.kernel_mappings[code].length, hwcap, hwcap2);
    if (here.kernel != header.machine.kernel)
        give_up("it is of another kernel");
    if (here.vdso != header.machine.vdso)
        give_up("it is of another vdso");
    if (here.processor != header.machine.processor)
        give_up("it is of another processor");
}

/* -- restoring ---------------------------------------------------------------------------------------------------- */

/* Moves the kernel's mappings to where the C library and the dynamic linker have pointers into them. By way of free
 * addresses: the new place of one may be the present one of another. */
static void move_kernel_mappings(const uint64_t *starts)
{
    const int flags = REMAP_MAY_MOVE | REMAP_TO_ADDRESS;
    uint64_t scratch[KERNEL_MAPPING_LIMIT], next = RESTORER_SCRATCH;
    for (uint32_t at = 0; at < header.kernel_mapping_count; at++) {
        uint64_t length = header.kernel_mappings[at].length;
        if (CALL5(CALL_MREMAP, starts[at], length, length, flags, next) != (long)next)
            give_up("the vdso can't be moved");
        scratch[at] = next;
        next += length + PAGE;
    }
    for (uint32_t at = 0; at < header.kernel_mapping_count; at++) {
        const struct kernel_mapping *saved = &header.kernel_mappings[at];
        if (CALL5(CALL_MREMAP, scratch[at], saved->length, saved->length, flags, saved->start) != (long)saved->start)
            give_up("the vdso can't be moved");
    }
}

static void map_segments(const struct tables *tables, int snapshot)
{
    const int anonymous = MAP_PRIVATE_COPY | MAP_AT_ADDRESS | MAP_NO_FILE | MAP_WITHOUT_RESERVE;
    uint32_t open = ZEROES; /* the number of the file that is open; none */
    int file = -1;
    for (uint32_t at = 0; at < header.segment_count; at++) {
        const struct segment *segment = &tables->segments[at];
        int source = snapshot;
        if (segment->source <= LAST_FILE) {
            if (segment->source != open) {
                if (file >= 0)
                    close_file(file);
                open = segment->source;
                file = open_file(tables->names + tables->files[open], OPEN_READ);
                if (file < 0)
                    give_up("a library is missing");
            }
            source = file;
        }
        long start = segment->source == ZEROES || segment->source == FORGOTTEN
            ? map(segment->start, segment->length, segment->protection, anonymous, -1, 0)
            : map(segment->start, segment->length, segment->protection, MAP_PRIVATE_COPY | MAP_AT_ADDRESS, source,
                  segment->offset);
        if (start != (long)segment->start)
            give_up("memory can't be mapped");
        if (segment->source == FORGOTTEN
            && is_error(CALL3(CALL_MADVISE, segment->start, segment->length, ADVICE_WIPE_ON_FORK)))
            give_up("memory can't be kept from children");
    }
    if (file >= 0)
        close_file(file);
}

/* The stack is read, not mapped: most of it is written to at once. */
static void restore_stack(int snapshot)
{
    const int anonymous = MAP_PRIVATE_COPY | MAP_AT_ADDRESS | MAP_NO_FILE | MAP_WITHOUT_RESERVE;
    uint64_t start = header.stack_end - STACK_BYTES, used = header.stack_end - header.stack_start;
    if (map(start, STACK_BYTES, READ | WRITE, anonymous, -1, 0) != (long)start)
        give_up("the stack can't be mapped");
    if (CALL4(CALL_PREAD, snapshot, header.stack_start, used, header.stack_offset) != (long)used)
        give_up("the stack can't be read");
}

/* In ascending order of their numbers: so a file is opened at its number, or at a lower one that stays free. */
static void open_files(const struct tables *tables)
{
    for (uint32_t at = 0; at < header.descriptor_count; at++) {
        const struct descriptor *saved = &tables->descriptors[at];
        int file = open_file(tables->names + tables->files[saved->file], (int)saved->flags);
        if (file < 0)
            give_up("a file is missing");
        if (file != (int)saved->number) {
            if (is_error(CALL3(CALL_DUP3, file, saved->number, 0)))
                give_up("a file can't be opened at its number");
            close_file(file);
        }
        CALL3(CALL_FCNTL, saved->number, SET_DESCRIPTOR_FLAGS, saved->close_on_exec);
        if (saved->position)
            CALL3(CALL_LSEEK, saved->number, saved->position, SEEK_FROM_START);
    }
}

#if defined(__x86_64__)

__attribute__((noreturn)) static void go_on(const struct registers *registers, uint64_t thread_pointer, uint64_t value)
{
    enum { SET_THREAD_POINTER = 0x1002 }; /* source: arch_prctl(2) */
    CALL2(CALL_ARCH_PRCTL, SET_THREAD_POINTER, thread_pointer);
    __asm__ volatile("movq 0(%0), %%rbx\n"
                     "movq 8(%0), %%rbp\n"
                     "movq 16(%0), %%r12\n"
                     "movq 24(%0), %%r13\n"
                     "movq 32(%0), %%r14\n"
                     "movq 40(%0), %%r15\n"
                     "movq 48(%0), %%rsp\n"
                     "jmpq *56(%0)\n"
                     :
                     : "D"(registers), "a"(value)
                     : "memory");
    __builtin_unreachable();
}

__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "    xorl %ebp, %ebp\n"
        "    movq %rsp, %rdi\n"
        "    andq $-16, %rsp\n"
        "    call figbox_restore\n");

#else

__attribute__((noreturn)) static void go_on(const struct registers *registers, uint64_t thread_pointer, uint64_t value)
{
    register const struct registers *from __asm__("x9") = registers;
    register uint64_t result __asm__("x0") = value;
    __asm__ volatile("msr tpidr_el0, %2\n"
                     "ldp x19, x20, [%0, 0]\n"
                     "ldp x21, x22, [%0, 16]\n"
                     "ldp x23, x24, [%0, 32]\n"
                     "ldp x25, x26, [%0, 48]\n"
                     "ldp x27, x28, [%0, 64]\n"
                     "ldp x29, x30, [%0, 80]\n"
                     "ldr x10, [%0, 96]\n"
                     "mov sp, x10\n"
                     "ldp d8, d9, [%0, 104]\n"
                     "ldp d10, d11, [%0, 120]\n"
                     "ldp d12, d13, [%0, 136]\n"
                     "ldp d14, d15, [%0, 152]\n"
                     "ret\n"
                     :
                     : "r"(from), "r"(result), "r"(thread_pointer)
                     : "memory", "x10");
    __builtin_unreachable();
}

__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "    mov x29, 0\n"
        "    mov x30, 0\n"
        "    mov x0, sp\n"
        "    bl figbox_restore\n");

#endif

/* Called from _start with what the kernel put on the stack: the number of arguments, the arguments, 0, the environment,
 * 0, the auxiliary vector. That stack stays mapped: the arguments in it are the restored process's. */
__attribute__((noreturn, used)) void figbox_restore(const uint64_t *initial_stack)
{
    uint64_t count = initial_stack[0];
    const char *const *arguments = (const char *const *)(initial_stack + 1);
    int check_only = count == 3 && same_text(arguments[1], "--check");
    if (count < 2)
        give_up("no file was named");
    if (check_only)
        complaints = STDOUT;
    int snapshot = open_file(arguments[check_only ? 2 : 1], OPEN_READ);
    if (snapshot < 0)
        give_up("there is no file");
    uint64_t end = open_snapshot(snapshot);
    struct tables tables = map_tables(snapshot);
    uint64_t kernel_starts[KERNEL_MAPPING_LIMIT];
    check_tables(&tables);
    check_addresses(&tables, initial_stack, kernel_starts);
    check_machine(initial_stack, kernel_starts);
    if (check_only) {
        check_data(snapshot, end);
        leave(0);
    }
    move_kernel_mappings(kernel_starts);
    map_segments(&tables, snapshot);
    restore_stack(snapshot);
    close_file(snapshot);
    open_files(&tables);
    go_on(&header.registers, header.thread_pointer, (uint64_t)initial_stack);
}
