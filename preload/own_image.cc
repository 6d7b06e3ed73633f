// own_image.cc - linker symbols and the argument vector.
#include "preload/own_image.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "core/os.h"
#include "core/raw_syscall.h"

// Set by the linker around our .data and .bss; hidden, so they are this library's and not the
// program's. The names are the linker's.
extern "C" {
[[gnu::visibility("hidden")]] extern char __data_start_weir[] __asm__("__dso_handle");
[[gnu::visibility("hidden")]] extern char _end[];
}

namespace weir {

namespace {
constinit bool sandbox_child = false;
}

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

void note_arguments(int argc, const char* const* argv) {
  for (int i = 1; i < argc && argv[i] != nullptr; ++i) {
    sandbox_child = sandbox_child || std::string_view(argv[i]).starts_with("--type=");
  }
}

bool is_sandbox_child() {
  return sandbox_child;
}

}  // namespace weir
