/* weir.h - for programs that want to say themselves which of their threads belong to which group.
 *
 * Nothing has to be linked: all functions are weak, and absent where the program runs without
 * libweir.so. Ask before calling:
 *
 *   if (weir_enter_group != NULL) weir_enter_group("io");
 *
 * Compile with -fPIE or -fPIC, or link with -Wl,-z,dynamic-undefined-weak, so that the linker leaves the
 * question open until the program starts.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The calling thread joins the group `name`, which a rule of WEIR_THREADS must name as a container
 * below the process' own: what it allocates and maps from now on is charged there. 0 or an errno:
 * ENOENT, no rule names it; ENOTSUP, this process is in no container; EAGAIN, there is no place or
 * no memory for it. Not for signal handlers, nor while holding a lock of the allocator. */
__attribute__((weak)) int weir_enter_group(const char* name);

/* The calling thread belongs to the process again. What it has allocated stays where it was charged.
 * A rule may put it into a group again when it changes its name. 0 or an errno. */
__attribute__((weak)) int weir_leave_group(void);

/* Figures in bytes; UINT64_MAX stands for no limit. */
struct weir_figures {
  uint64_t usage; /* of the container, all members and those below it included */
  uint64_t limit;
  uint64_t high_watermark;
  uint64_t low_watermark;
  uint64_t swap_usage;
};

/* The figures of the calling thread's container: of its group's where it is in one, else of the
 * process'. As the books have them at this moment; nothing is read anew. 0 or ENOTSUP. Safe in
 * signal handlers and from any thread. */
__attribute__((weak)) int weir_read_figures(struct weir_figures* figures);

#ifdef __cplusplus
}
#endif

#endif
