/* weir.h - for programs that say themselves which of their threads belong to which group, and that
 * want to give memory back before it is taken.
 *
 * Nothing has to be linked: all functions are weak, and absent where the program runs without
 * libweir.so. Ask before calling:
 *
 *   if (weir_enter_group != NULL) weir_enter_group("io");
 *
 * Compile with -fPIE or -fPIC, so that the linker leaves the question open until the program starts.
 */
#ifndef WEIR_H
#define WEIR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The calling thread joins the group `name`, which a rule of WEIR_THREADS must name as a container
 * below the process' own: what it allocates and maps from now on is charged there. 0 or an errno:
 * ENOENT, no rule names it; ENOTSUP, this process is in no container; EAGAIN, there is no place or no memory for it.
 * Not for signal handlers, nor while holding a lock of the allocator. */
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

/* Callbacks. They are called on a thread that the library starts at the first registration, one
 * thread for each of the two kinds, never in a signal handler: a callback may allocate, lock, and use
 * the program's descriptors. No signal of the program is handled on that thread, and thread group
 * rules go by its name ("weir-pressure", "weir-warning") as by any other. One callback of each kind;
 * registering again replaces it, NULL removes it; one that is running already runs to its end. A
 * callback may still be at work while the program's exit handlers run. After fork the child has none,
 * and may register anew. A program that registers has another thread, with all that follows
 * (unshare(CLONE_NEWUSER) is refused to it). Not for signal handlers. All give 0 or an errno: EINVAL,
 * a value is out of its bounds; ENOTSUP, this process is in no container, or WEIR_THREADLESS is set;
 * EAGAIN, no thread is to be had. */

/* Called when work stood still for memory for `stall_us` or more in `window_us`, by the process'
 * container or one above it, once per window at most: time to drop caches. `stalled_us` is how long it
 * was, in that window. Bounds as the kernel's pressure stall triggers have them: a window of 0.5 to
 * 10 s, more than no stall. While there is no pressure the thread wakes up once a second, or twice in
 * a window if that is shorter. */
typedef void (*weir_pressure_callback)(void* context, uint64_t stalled_us);
__attribute__((weak)) int weir_on_pressure(uint64_t stall_us, uint64_t window_us, weir_pressure_callback callback,
                                           void* context);

/* Called before this process is killed because its container is out of memory (policies kill, group
 * and pause, the last after its pause), with the time that is left: `grace_ms`, 1 to 1000, as asked for.
 * Until then a reserve beyond the limit (1 MiB or 1/32 of it, whichever is more) serves allocations, and
 * who needs more waits. If the container is below its limit when the time is over, nobody is killed;
 * else the kill comes, whether the callback has returned or not. Threads that wait may hold locks:
 * where the callback needs one of the program's, let it try (pthread_mutex_trylock). */
typedef void (*weir_warning_callback)(void* context, uint32_t grace_ms);
__attribute__((weak)) int weir_on_kill_warning(uint32_t grace_ms, weir_warning_callback callback, void* context);

#ifdef __cplusplus
}
#endif

#endif
