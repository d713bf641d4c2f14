/* What is mapped in this process, read from /proc/self/maps; and what a snapshot depends on. For both programs. */
#ifndef FIGBOX_MAPPINGS_H
#define FIGBOX_MAPPINGS_H

#include "format.h"
#include "system.h"

/* One line: `start-end rwxp offset device inode name`. Source: proc_pid_maps(5). In smaps, lines that begin with a
 * capital follow, of which VmFlags tells `is_for_this_process`: contents that the kernel may drop at any time ("dp"),
 * or doesn't hand on to a child ("wf"). Source: proc_pid_smaps(5), Linux fs/proc/task_mmu.c. */
struct mapping {
    uint64_t start, end, offset;
    uint32_t protection;
    int is_shared;
    int is_for_this_process;
    const char *name; /* empty where it has none; a path, or a word in brackets */
};

/* What a mapping is to us, as the kernels name it. gVisor's vdso has no name: it is the executable mapping after
 * [vvar]. Its [usertrap] (systrap) must stay where it is: rewritten system calls jump through it. [vsyscall] is the
 * kernel's half of the address space. Source: gVisor pkg/sentry/loader/vdso.go, platform/systrap/usertrap. */
enum kind { ORDINARY, KERNEL_DATA, KERNEL_CODE, UNTOUCHABLE };

/* Reads a whole list, /proc/self/maps or smaps, into a buffer, and ends it with NUL; returns its length, or -1. */
long read_mappings(const char *list, char *buffer, uint64_t room);

/* Takes one mapping off the text, which it changes; returns 0 at its end. `before` is the kind of the one before. */
int next_mapping(char **text, struct mapping *found, enum kind before, enum kind *kind);

/* Returns what a snapshot made or restored here depends on. */
struct machine this_machine(const void *vdso, uint64_t vdso_bytes, uint64_t hwcap, uint64_t hwcap2);

#endif
