/* The file that the saver writes and the restorer maps: one process's memory, and what it takes to go on from there.
 *
 * Theory of operation
 * ===================
 *
 * A runner that has imported its libraries calls figbox_save() (saver.c), which writes this file to a descriptor and
 * returns 0. The file becomes a layer of an image. In each container of that image the supervisor (supervisor.c) starts
 * the restorer (restorer.c): it maps the memory of the saved process to where it was, and jumps into the saver, whose
 * figbox_save() returns a second time, now with 1, in a process that never imported anything.
 *
 * Both sides are our own programs in containers without a job, so the file is trusted as the image is. It is checked
 * all the same, for what goes wrong without malice: a full disk, a flipped bit, another kernel or processor.
 *
 * The file: a struct header; tables of segments, files and descriptors; the names that they refer to; padding up to
 * a page; the contents of the segments that aren't in a file of the image; a checksum of those contents.
 */
#ifndef FIGBOX_FORMAT_H
#define FIGBOX_FORMAT_H

#include <stdint.h>

#define MAGIC 0x31786f6267696600ULL /* "\0figbox1", read as little-endian */

#define PAGE 4096ULL

/* One past the last address that a snapshot may use, and where the restorer is linked, with room for its break and its
 * tables. Neither a kernel nor a library is put there: mappings grow down from the end of the address space, programs
 * and their heaps begin near 0, or at 0x555555554000 (x86-64) or 0xaaaaaaaaaaaa (aarch64). It is above all heaps on
 * purpose: the C library's allocator takes a break that has moved up for somebody else's use of it, and one that has
 * moved down for an error. Source: Linux ELF_ET_DYN_BASE, mmap_base(); glibc malloc/malloc.c, sysmalloc(). */
#if defined(__x86_64__)
#define ADDRESS_LIMIT 0x800000000000ULL
#define RESTORER_START 0x600000000000ULL
#else
#define ADDRESS_LIMIT 0x1000000000000ULL
#define RESTORER_START 0xd00000000000ULL
#endif
#define RESTORER_TABLES (RESTORER_START + 0x4000000000ULL)
#define RESTORER_SCRATCH (RESTORER_START + 0x5000000000ULL)
#define RESTORER_END (RESTORER_START + 0x8000000000ULL)

/* Room for the stack, which a mapping that isn't the kernel's own doesn't grow by itself: the limit that the
 * container's specification sets. */
#define STACK_BYTES (8ULL << 20)

/* Bounds of the tables; some 700 segments, 60 files and 5 descriptors were seen with all libraries of `science`. */
#define SEGMENT_LIMIT 16384U
#define FILE_LIMIT 2048U
#define DESCRIPTOR_LIMIT 200U
#define NAMES_LIMIT (1U << 18)
#define TABLES_LIMIT (1ULL << 20)
#define KERNEL_MAPPING_LIMIT 4U

/* Protections, as mmap(2) has them. */
#define READ 1U
#define WRITE 2U
#define EXECUTE 4U

/* Where the contents of a segment come from, in place of the number of a file. FORGOTTEN is zeroes too, of memory whose
 * contents were for one process alone; a child is to find it empty as well. */
#define FROM_SNAPSHOT 0xffffffffU
#define ZEROES 0xfffffffeU
#define FORGOTTEN 0xfffffffdU
#define LAST_FILE (FORGOTTEN - 1)

struct segment {
    uint64_t start, length; /* bytes; whole pages, in ascending order, none over another */
    uint64_t offset;        /* in the file that `source` names */
    uint32_t source;        /* FROM_SNAPSHOT, ZEROES, FORGOTTEN, or the number of a file */
    uint32_t protection;
};

struct descriptor {
    uint64_t position; /* bytes from the file's start */
    uint32_t number;
    uint32_t file;
    uint32_t flags; /* of open(2) */
    uint32_t close_on_exec;
};

/* A mapping of the kernel's own, which can be moved but not made: [vvar], [vdso] and the like. */
struct kernel_mapping {
    char name[24];
    uint64_t start, length;
};

/* What a snapshot depends on; a mismatch is named by its field. */
struct machine {
    uint64_t kernel;    /* checksum of what uname(2) says, but for the host's name */
    uint64_t vdso;      /* checksum of its code */
    uint64_t processor; /* checksum of its features: libraries choose code by them */
};

/* What the second return of figbox_save() needs, in a layout that the assembler code in saver.c and restorer.c shares;
 * the rest is in the memory of the saved process. */
struct registers {
#if defined(__x86_64__)
    uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;
#elif defined(__aarch64__)
    uint64_t x19_to_x30[12], sp, d8_to_d15[8];
#else
#error "snapshots are made on x86-64 and aarch64"
#endif
};

struct header {
    uint64_t magic;
    uint64_t checksum; /* of all that follows, up to `data_offset` */
    uint64_t data_offset, data_bytes;
    uint32_t segment_count, file_count, descriptor_count, kernel_mapping_count;
    uint64_t names_bytes;
    struct machine machine;
    struct kernel_mapping kernel_mappings[KERNEL_MAPPING_LIMIT];
    uint64_t stack_start, stack_end; /* of its used part, whole pages */
    uint64_t stack_offset;           /* in the file */
    uint64_t thread_pointer;
    struct registers registers;
    /* Then: struct segment[segment_count], uint32_t[file_count] (where each name begins), padding to 8 bytes, struct
     * descriptor[descriptor_count], names, each with its NUL. */
};

struct tables {
    const struct header *header;
    const struct segment *segments;
    const uint32_t *files;
    const struct descriptor *descriptors;
    const char *names;
};

/* A word of memory whose type is not ours to know. */
typedef uint64_t __attribute__((may_alias)) word;

/* Continues a checksum over whole words of 8 bytes. Each step maps different sums to different sums, so one change
 * anywhere always shows, and several are missed once in 2^64. */
static inline uint64_t checksum(uint64_t sum, const void *data, uint64_t bytes)
{
    const word *words = data;
    for (uint64_t at = 0; at < bytes / 8; at++) {
        sum = (sum ^ words[at]) * 0x9e3779b97f4a7c15ULL;
        sum = sum << 31 | sum >> 33;
    }
    return sum;
}

#define CHECKSUM_START 0x66696762ULL

static inline uint64_t rounded_up(uint64_t bytes, uint64_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

static inline uint64_t offset_of_files(const struct header *header)
{
    return sizeof *header + header->segment_count * sizeof(struct segment);
}

static inline uint64_t offset_of_descriptors(const struct header *header)
{
    return rounded_up(offset_of_files(header) + header->file_count * sizeof(uint32_t), 8);
}

static inline uint64_t offset_of_names(const struct header *header)
{
    return offset_of_descriptors(header) + header->descriptor_count * sizeof(struct descriptor);
}

#endif
