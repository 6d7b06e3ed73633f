// own_image.cc - linker symbols and the argument vector.
#include "preload/own_image.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "core/os.h"
#include "core/raw_syscall.h"

// Set by the linker around our .data and .bss; hidden, so they are this library's and not the
// program's. The names are the linker's.
extern "C" {
[[gnu::visibility("hidden")]] extern char __data_start_weir[] __asm__("__dso_handle");
[[gnu::visibility("hidden")]] extern char _end[];
}

namespace weir {

AddressRange own_image() {
  // __dso_handle is the first object of .data; jemalloc's and our tables lie between it and _end.
  const auto begin = reinterpret_cast<std::uintptr_t>(__data_start_weir) & ~(kPageBytes - 1);
  const auto end = (reinterpret_cast<std::uintptr_t>(_end) + kPageBytes - 1) & ~(kPageBytes - 1);
  return {begin, end};
}

std::size_t raised_stack_bytes() {
  constexpr rlim_t kUsual = rlim_t{8} << 20;
  struct rlimit stack = {};
  raw_syscall(SYS_prlimit64, 0, RLIMIT_STACK, 0, sys_arg(&stack));
  return stack.rlim_cur > kUsual ? std::min<rlim_t>(stack.rlim_cur - kUsual, kGiB) : 0;
}

std::size_t program_static_bytes() {
  const auto* header = reinterpret_cast<const Elf64_Phdr*>(getauxval(AT_PHDR));
  std::size_t bytes = 0;
  for (std::size_t i = 0, count = getauxval(AT_PHNUM); header != nullptr && i < count; ++i) {
    if (header[i].p_type == PT_LOAD && (header[i].p_flags & PF_W) != 0) {
      bytes += header[i].p_memsz;
    }
  }
  return bytes;
}

bool malloc_is_ours() {
  void* in_force = dlsym(RTLD_DEFAULT, "malloc");
  Dl_info theirs = {};
  Dl_info ours = {};
  return dladdr(in_force, &theirs) != 0 && dladdr(reinterpret_cast<void*>(__data_start_weir), &ours) != 0 &&
         theirs.dli_fbase == ours.dli_fbase;
}

bool is_sandbox_child() {
  char arguments[1024];
  const SysResult fd = raw_os().open("/proc/self/cmdline", 0, 0);
  if (!fd.ok()) {
    return false;
  }
  const SysResult got = raw_os().pread(static_cast<int>(fd.value()), arguments, sizeof(arguments), 0);
  static_cast<void>(raw_os().close(static_cast<int>(fd.value())));
  constexpr char kMark[] = "--type=";
  return got.ok() && memmem(arguments, static_cast<std::size_t>(got.value()), kMark, sizeof(kMark) - 1) != nullptr;
}

}  // namespace weir
