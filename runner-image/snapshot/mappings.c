#include "mappings.h"

void *memcpy(void *restrict target, const void *restrict source, size_t bytes)
{
    unsigned char *to = target;
    const unsigned char *from = source;
    while (bytes--)
        *to++ = *from++;
    return target;
}

void *memset(void *target, int value, size_t bytes)
{
    unsigned char *to = target;
    while (bytes--)
        *to++ = (unsigned char)value;
    return target;
}

int memcmp(const void *left, const void *right, size_t bytes)
{
    const unsigned char *a = left, *b = right;
    for (; bytes; bytes--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}

long read_mappings(const char *list, char *buffer, uint64_t room)
{
    int file = open_file(list, OPEN_READ);
    if (file < 0)
        return -1;
    uint64_t length = 0;
    long count;
    while ((count = CALL3(CALL_READ, file, buffer + length, room - 1 - length)) > 0)
        length += (uint64_t)count;
    close_file(file);
    if (count < 0 || length + 1 >= room)
        return -1;
    buffer[length] = 0;
    return (long)length;
}

static uint64_t read_hexadecimal(char **text)
{
    uint64_t value = 0;
    for (;; (*text)++) {
        char digit = **text;
        if (digit >= '0' && digit <= '9')
            value = value * 16 + (uint64_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = value * 16 + (uint64_t)(digit - 'a' + 10);
        else
            return value;
    }
}

static void skip(char **text, int blanks)
{
    while (**text && (**text == ' ') == blanks)
        (*text)++;
}

static enum kind kind_of(const struct mapping *found, enum kind before)
{
    if (begins_with(found->name, "[vvar"))
        return KERNEL_DATA;
    if (same_text(found->name, "[vdso]"))
        return KERNEL_CODE;
    if (!*found->name && before == KERNEL_DATA && found->protection & EXECUTE)
        return KERNEL_CODE;
    if (begins_with(found->name, "[vsyscall") || begins_with(found->name, "[usertrap"))
        return UNTOUCHABLE;
    return ORDINARY;
}

/* Takes a line off the text, and returns it without its end. */
static char *next_line(char **text)
{
    char *line = *text, *end = line;
    while (*end && *end != '\n')
        end++;
    *text = *end ? end + 1 : end;
    *end = 0;
    return line;
}

static int has_flag(const char *flags, const char *wanted)
{
    for (; *flags; flags++)
        if (*flags == ' ' && begins_with(flags + 1, wanted))
            return 1;
    return 0;
}

int next_mapping(char **text, struct mapping *found, enum kind before, enum kind *kind)
{
    char *at = next_line(text);
    if (!*at)
        return 0;

    found->start = read_hexadecimal(&at);
    at += *at == '-';
    found->end = read_hexadecimal(&at);
    skip(&at, 1);
    found->protection = 0;
    for (unsigned bit = 0; bit < 3 && *at; bit++, at++)
        found->protection |= *at != '-' ? 1U << bit : 0;
    found->is_shared = *at == 's';
    skip(&at, 0);
    skip(&at, 1);
    found->offset = read_hexadecimal(&at);
    for (int field = 0; field < 2; field++) { /* device, inode */
        skip(&at, 1);
        skip(&at, 0);
    }
    skip(&at, 1);
    found->name = at;
    found->is_for_this_process = 0;
    while (**text >= 'A' && **text <= 'Z') {
        const char *line = next_line(text);
        if (begins_with(line, "VmFlags:"))
            found->is_for_this_process = has_flag(line, "dp") || has_flag(line, "wf");
    }
    *kind = kind_of(found, before);
    return 1;
}

/* -- what a snapshot depends on ----------------------------------------------------------------------------------- */

#if defined(__x86_64__)

struct answer {
    uint32_t a, b, c, d;
};

static struct answer ask_processor(uint32_t leaf, uint32_t subleaf)
{
    struct answer answer;
    __asm__ volatile("cpuid"
                     : "=a"(answer.a), "=b"(answer.b), "=c"(answer.c), "=d"(answer.d)
                     : "a"(leaf), "c"(subleaf));
    return answer;
}

/* Features and the model, without what differs from core to core (leaf 1, EBX: the number of the core). Source: Intel
 * SDM volume 2, CPUID; the same leaves as glibc's sysdeps/x86/cpu-features.c and NumPy's npy_cpu_features.c. */
static uint64_t processor_features(uint64_t sum)
{
    uint32_t highest = ask_processor(0, 0).a;
    struct answer basic = ask_processor(1, 0);
    uint64_t words[8] = {(uint64_t)basic.a << 32 | basic.c, basic.d};
    if (highest >= 7) {
        struct answer more = ask_processor(7, 0), rest = ask_processor(7, 1);
        words[2] = (uint64_t)more.b << 32 | more.c;
        words[3] = (uint64_t)more.d << 32 | rest.a;
        words[6] = (uint64_t)rest.b << 32 | rest.d; /* since AVX10 and APX; 0 before */
    }
    if (basic.c & 1U << 27) { /* OSXSAVE: what the kernel saves, and so allows */
        uint32_t low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        words[4] = (uint64_t)high << 32 | low;
    }
    if (ask_processor(0x80000000U, 0).a >= 0x80000001U) {
        struct answer extended = ask_processor(0x80000001U, 0);
        words[5] = (uint64_t)extended.c << 32 | extended.d;
    }
    return checksum(sum, words, sizeof words);
}

#else

/* All features that user space may ask for are in AT_HWCAP and AT_HWCAP2. Source: Linux
 * Documentation/arch/arm64/elf_hwcaps.rst. */
static uint64_t processor_features(uint64_t sum)
{
    return sum;
}

#endif

/* Source: uname(2): six texts of 65 bytes, the second is the host's name. */
enum { UNAME_TEXT = 65, UNAME_TEXTS = 6, UNAME_HOST = 1 };

struct machine this_machine(const void *vdso, uint64_t vdso_bytes, uint64_t hwcap, uint64_t hwcap2)
{
    uint64_t words[(UNAME_TEXTS * UNAME_TEXT + 7) / 8];
    char *texts = (char *)words;
    memset(words, 0, sizeof words);
    CALL1(CALL_UNAME, texts);
    memset(texts + UNAME_HOST * UNAME_TEXT, 0, UNAME_TEXT);
    for (int text = 0; text < UNAME_TEXTS; text++) { /* what follows each NUL says nothing */
        char *field = texts + text * UNAME_TEXT;
        size_t length = text_length(field);
        memset(field + length, 0, UNAME_TEXT - length);
    }
    uint64_t capabilities[2] = {hwcap, hwcap2};
    uint64_t features = checksum(CHECKSUM_START, capabilities, sizeof capabilities);
    return (struct machine){
        .kernel = checksum(CHECKSUM_START, words, sizeof words),
        .vdso = checksum(CHECKSUM_START, vdso, vdso_bytes),
        .processor = processor_features(features),
    };
}
